/**
 * Calls that an attack makes. Their requests have valid signatures, since anybody can call the number through Twilio.
 */
import { readFileSync } from "node:fs"
import * as Mulaw from "../../src/audio/Mulaw.ts"
import * as Pcm from "../../src/audio/Pcm.ts"
import * as Wav from "../../src/audio/Wav.ts"
import { type Caller, hangUp, open, sendSound } from "../line/load.ts"
import { pause, type Siege } from "./Attack.ts"

/** The number that a conversation agent answers, by AGENT_NUMBERS; all others reach the echo. */
export const agentNumber = "+14155550111"

const readSpeech = (): Uint8Array => {
  const wav = Wav.decode(new Uint8Array(readFileSync(new URL("../../test/fixtures/speech-8k.wav", import.meta.url))))
  if (wav._tag === "WavError") throw new Error("test/fixtures/speech-8k.wav can't be read")
  const [sound] = wav.channels
  return Mulaw.encode(Pcm.of(8000, sound.subarray(sound.findIndex((sample) => Math.abs(sample) > 1000))))
}

const frameBytes = 160

/** Speech as μ-law in base64, cut into payloads of this many bytes each. */
export const speech = (bytes: number): ReadonlyArray<string> => {
  const all = readSpeech()
  const repeated = Buffer.concat(Array.from({ length: Math.ceil(bytes / all.length) }, () => all))
  return Array.from({ length: Math.floor(repeated.length / bytes) }, (_, at) => repeated.toString("base64", at * bytes, (at + 1) * bytes))
}

/** One turn of a caller: a second of speech and 0.9 s of silence. */
const turn = (): ReadonlyArray<string> => [
  ...speech(frameBytes).slice(0, 50),
  ...Array.from({ length: 45 }, () => Buffer.alloc(frameBytes, Mulaw.silence).toString("base64"))
]

export interface Numbers {
  readonly from: string
  readonly to: string
}

/** Makes a call. `undefined` if the service refused it. */
export const dial = (siege: Siege, numbers: Numbers): Promise<Caller | undefined> =>
  open({ calls: 1, seconds: 0, warmup: 0, target: siege.url, account: siege.account, ...numbers }, 0).catch(() => undefined)

export const isOpen = ({ socket }: Caller): boolean => socket.readyState === 1

/** Returns each mark at once, as if all sound had been played. */
export const returnMarks = (caller: Caller, onSound: () => void = () => {}): void => {
  caller.socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { readonly event: string; readonly mark?: object }
    if (message.event === "media") onSound()
    if (message.event !== "mark" || !isOpen(caller)) return
    const sequenceNumber = String(++caller.sequence)
    caller.socket.send(JSON.stringify({ event: "mark", sequenceNumber, streamSid: caller.streamSid, mark: message.mark }))
  })
}

/** Keeps `calls` conversations with an agent going until the siege is over. A caller who loses the call calls again. */
export const converse = async (siege: Siege, calls: number): Promise<{ readonly dialled: number; readonly heard: number }> => {
  const frames = turn()
  let dialled = 0
  let heard = 0
  const talk = async (index: number) => {
    const caller = await dial(siege, { from: `+141555502${10 + index}`, to: agentNumber })
    if (caller === undefined) return pause(100)
    dialled++
    returnMarks(caller, () => heard++)
    const begin = performance.now()
    let sent = 0
    while (isOpen(caller) && !siege.isOver()) {
      for (; sent * 20 < performance.now() - begin && isOpen(caller); sent++) sendSound(caller, frames[sent % frames.length])
      await pause(10)
    }
    if (isOpen(caller)) hangUp({ calls: 1, seconds: 0, warmup: 0, target: siege.url, account: siege.account }, caller)
  }
  await Promise.all(Array.from({ length: calls }, async (_, index) => {
    while (!siege.isOver()) await talk(index)
  }))
  return { dialled, heard }
}
