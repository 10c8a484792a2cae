/**
 * A telephone line for the turn machine: it makes speech, plays it in real time, sends marks back when they
 * were played, throws sound away at a `clear` and sends the marks of that back too, as Twilio does. It knows
 * what was truly heard. For tests.
 */
import type { Command } from "../../src/conversation/TurnEvent.ts"
import * as HeardLedger from "../../src/conversation/HeardLedger.ts"
import * as Turns from "./Turns.ts"

interface Piece {
  readonly reply: number
  readonly segment: number
  readonly text: string
  readonly duration: number
  played: number
}

/** ms of a segment's sound. */
export const durationOf = (text: string): number => text.length * 60

export const make = (overrides?: Parameters<typeof Turns.make>[0]) => {
  const turns = Turns.make(overrides)
  /** In the order of their playing; those of a held reply wait. */
  let queue: Array<Piece> = []
  const released = new Set<number>()
  const begun = new Set<number>()
  /** What was heard of each reply, whole pieces and parts, in order. */
  const heard = new Map<number, Array<string>>()
  let done = 0

  const hear = (piece: Piece) => {
    const text = HeardLedger.cutAtWord(piece.text, piece.played / piece.duration)
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
        queue.push({ reply, segment, text, duration: durationOf(text), played: 0 })
        turns.send({ _tag: "SpeechBegan", reply, segment })
        turns.send({ _tag: "SpeechEnded", reply, segment, duration: durationOf(text) })
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
        for (const { reply, segment } of drop(({ played }) => played > 0)) turns.send({ _tag: "MarkReturned", reply, segment })
        return
    }
  }

  /** Carries out what was ordered since. */
  const settle = () => {
    while (done < turns.all.length) carryOut(turns.all[done++])
  }

  /** Time passes in steps of 20 ms: a frame is played in each. */
  const pass = (millis: number) => {
    for (let left = millis; left > 0; left -= 20) {
      turns.pass(Math.min(20, left))
      settle()
      const piece = queue.find(({ reply }) => released.has(reply))
      if (piece === undefined) continue
      if (!begun.has(piece.reply)) {
        begun.add(piece.reply)
        turns.send({ _tag: "MediaSent", reply: piece.reply, segment: piece.segment })
        settle()
        if (!queue.includes(piece)) continue
      }
      piece.played += Math.min(20, left)
      if (piece.played < piece.duration) continue
      hear(piece)
      queue = queue.filter((other) => other !== piece)
      turns.send({ _tag: "MarkReturned", reply: piece.reply, segment: piece.segment })
      settle()
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
    /** What was heard of a reply, as text. */
    heard: (reply: number): string => (heard.get(reply) ?? []).join(" "),
    /** What is being played, or would be. */
    isPlaying: () => queue.some(({ played, reply }) => played > 0 && released.has(reply)),
    /** The caller speaks for so long. */
    voice: (millis: number) => {
      send({ _tag: "VoiceStarted", since: turns.now })
      pass(millis)
      const since = turns.now
      pass(64)
      send({ _tag: "VoiceStopped", since })
    },
    /** What is being transcribed, if anything. */
    says: (text: string) => {
      const asked = turns.last("Transcribe")
      if (asked === undefined) return
      send({ _tag: "Transcribed", utterance: asked.utterance, attempt: asked.attempt, transcript: text === "" ? { text, ending: "unknown" } : Turns.complete(text) })
    },
    /** The newest reply's model has written this, and goes on. */
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
