/**
 * A fake line for the turn machine. It makes speech and plays it in real time. Marks come back when their sound was played, and after a
 * `clear`, as with Twilio. The line knows what the caller has really heard.
 */
import * as Dtmf from "../../../src/audio/Dtmf.ts"
import type { Command } from "../../../src/conversation/turn/TurnCommand.ts"
import * as Words from "../../../src/definition/languages/Words.ts"
import * as Turns from "./Turns.ts"

interface Piece {
  readonly reply: number
  readonly segment: number
  readonly text: string
  readonly duration: number
  /** When its first sample was played. */
  from?: number
}

/** ms of a segment's sound. */
export const durationOf = (text: string): number => text.length * 60

export const make = (overrides?: Parameters<typeof Turns.make>[0]) => {
  const turns = Turns.make(overrides)
  /** The pieces that were not played yet, in order. The pieces of a held reply wait. */
  let queue: Array<Piece> = []
  const released = new Set<number>()
  const begun = new Set<number>()
  /** The text of each reply that the caller heard: whole pieces, and the beginning of a piece that was cut. */
  const heard = new Map<number, Array<string>>()
  let done = 0

  const hear = (piece: Piece) => {
    if (piece.from === undefined) return
    const text = Words.cut(piece.text, (turns.now - piece.from) / piece.duration)
    if (text.length > 0) heard.set(piece.reply, [...heard.get(piece.reply) ?? [], text])
  }

  const drop = (isDropped: (piece: Piece) => boolean): ReadonlyArray<Piece> => {
    const dropped = queue.filter(isDropped)
    queue = queue.filter((piece) => !isDropped(piece))
    for (const piece of dropped) hear(piece)
    return dropped
  }

  const carryOut = (command: Command) => {
    switch (command._tag) {
      case "Speak": {
        const { reply, segment, text } = command
        queue.push({ reply, segment, text, duration: durationOf(text) })
        turns.send({ _tag: "SpeechBegan", reply, segment })
        turns.send({ _tag: "SpeechEnded", reply, segment, duration: durationOf(text) })
        return
      }
      case "Press": {
        const { digits, reply, segment } = command
        const duration = Dtmf.durationOf(digits)
        queue.push({ reply, segment, text: "", duration })
        turns.send({ _tag: "SpeechBegan", reply, segment })
        turns.send({ _tag: "SpeechEnded", reply, segment, duration })
        return
      }
      case "Release":
        released.add(command.reply)
        return
      case "Hold":
        released.delete(command.reply)
        return
      case "StopSpeech":
        begun.delete(command.reply)
        drop(({ reply, segment }) => reply === command.reply && segment >= command.from)
        return
      case "CancelReply":
        drop(({ reply }) => reply === command.reply)
        return
      case "Clear":
        for (const { reply, segment } of drop(({ from }) => from !== undefined)) turns.send({ _tag: "MarkReturned", reply, segment })
        return
    }
  }

  /** Carries out the new commands. */
  const settle = () => {
    while (done < turns.all.length) carryOut(turns.all[done++])
  }

  /** The next piece begins to play, if its reply is released. */
  const play = () => {
    const piece = queue.find(({ reply }) => released.has(reply))
    if (piece === undefined || piece.from !== undefined) return
    piece.from = turns.now
    if (begun.has(piece.reply)) return
    begun.add(piece.reply)
    turns.send({ _tag: "MediaSent", reply: piece.reply, segment: piece.segment })
    settle()
  }

  /** Lets time pass, from one event to the next. */
  const pass = (millis: number) => {
    const until = turns.now + millis
    while (true) {
      play()
      const piece = queue.find(({ from }) => from !== undefined)
      const end = piece?.from === undefined ? Infinity : piece.from + piece.duration
      turns.pass(Math.max(0, Math.min(until, end, turns.nextDue) - turns.now))
      settle()
      if (piece !== undefined && queue.includes(piece) && turns.now >= end) {
        hear(piece)
        queue = queue.filter((other) => other !== piece)
        turns.send({ _tag: "MarkReturned", reply: piece.reply, segment: piece.segment })
        settle()
      } else if (turns.now >= until) {
        return play()
      }
    }
  }

  const send = (event: Parameters<typeof turns.send>[0]) => {
    turns.send(event)
    settle()
  }

  return {
    turns,
    send,
    pass,
    /** The heard text of a reply. */
    heard: (reply: number): string => (heard.get(reply) ?? []).join(" "),
    /** Whether sound is being played. */
    isPlaying: () => queue.some(({ from }) => from !== undefined),
    /** The caller speaks for this many ms. */
    voice: (millis: number) => {
      send({ _tag: "VoiceStarted", since: turns.now })
      pass(millis)
      const since = turns.now
      pass(64)
      send({ _tag: "VoiceStopped", since })
    },
    /** The text is the transcript of the open request, if there is one. */
    says: (text: string) => {
      const asked = turns.last("Transcribe")
      if (asked === undefined) return
      send({ _tag: "Transcribed", utterance: asked.utterance, attempt: asked.attempt, transcript: text === "" ? { text, ending: "unknown" } : Turns.complete(text) })
    },
    /** The newest reply's model has written this text, and is not done. */
    begins: (text: string) => {
      const reply = turns.last("StartReply")?.reply
      if (reply !== undefined) send({ _tag: "ReplyText", reply, text })
    },
    fails: () => {
      const reply = turns.last("StartReply")?.reply
      if (reply !== undefined) send({ _tag: "ReplyFailed", reply, reason: "broken" })
    },
    answers: (text: string, hangUp = false) => {
      const reply = turns.last("StartReply")?.reply
      if (reply === undefined) return
      send({ _tag: "ReplyText", reply, text })
      if (hangUp) send({ _tag: "ReplyHangUp", reply })
      send({ _tag: "ReplyDone", reply })
    }
  }
}
