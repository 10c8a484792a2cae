/**
 * Writes the newest turns with their sound as the `context` of a speech request. CSM adapts its voice to earlier turns.
 *
 * A server that answers with `x-context-hashes` also takes sound at 8 kHz. It keeps all sound that it received or spoke, by the sound's
 * SHA-256. So the sound of a caller's turn is sent only once, and the sound of an agent's turn is never sent. Requests have only the hash
 * of the sound that the server has (deploy/engines/csm, docs/adr/0008).
 */
import { createHash } from "node:crypto"
import { Array as Arr } from "effect"
import type { Headers } from "effect/http"
import * as Pcm from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import { millisOf, type SpokenTurn } from "../../../conversation/ports/TextToSpeech.ts"

/**
 * The most ms of conversation in a request. CSM has room for 160 s. But each second takes 64 KB in every request, unless the server keeps
 * sound.
 */
export const contextMillis = 10_000

const hashesHeader = "x-context-hashes"

/** How many of the newest hashes are remembered: some hours of speech. */
const maxHashes = 10_000

/** A turn as JSON in the body of a request. */
interface EncodedTurn {
  readonly speaker: string
  /** The turn with its sound, as UTF-8. */
  readonly withSound: () => Uint8Array
  /** The turn with the hash of its sound in place of the sound; only for a server that keeps sound. */
  readonly hashed: { readonly hash: string; readonly json: string } | undefined
}

/** Memory that all calls share. The sound of a turn is read before the next turn is written. */
let scratch = Buffer.alloc(0)

/** The turn's sound as 16-bit samples at this rate. The bytes are valid until this function is called again. */
const soundBytes = ({ sampleRate, sound }: SpokenTurn, rate: Pcm.SampleRate): Buffer => {
  const resampler = Resampler.make<Pcm.SampleRate, Pcm.SampleRate>(sampleRate, rate)
  let length = 0
  for (const piece of sound) {
    const samples = resampler.process(piece)
    if (scratch.length < length + samples.byteLength) {
      const larger = Buffer.alloc(2 * (length + samples.byteLength))
      larger.set(scratch.subarray(0, length))
      scratch = larger
    }
    Pcm.writeBytes(samples, scratch, length)
    length += samples.byteLength
  }
  return scratch.subarray(0, length)
}

/**
 * Joins pieces of JSON as UTF-8. If the pieces were joined as strings, the sound would be copied for each brace around it, and the strings
 * would stay in the heap as long as the request.
 */
const join = (pieces: ReadonlyArray<string | Uint8Array>): Uint8Array => {
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0))
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === "string") at += bytes.write(piece, at)
    else {
      bytes.set(piece, at)
      at += piece.length
    }
  }
  return bytes
}

/** A JSON object with one more member. `value`: the member's value as JSON. */
const withMember = (object: string, name: string, value: ReadonlyArray<string | Uint8Array>): Uint8Array =>
  join([object.slice(0, -1), `,"${name}":`, ...value, "}"])

/** The turn as JSON with its sound. Uses Node's base64, because Effect's is a slow loop and a turn has up to half a megabyte. */
const withSound = (json: string, turn: SpokenTurn, rate: Pcm.SampleRate): Uint8Array =>
  withMember(json, "audio", ["\"", soundBytes(turn, rate).toString("base64"), "\""])

const encodeHashed = (turn: SpokenTurn, speaker: string): EncodedTurn => {
  const rate = turn.sampleRate === 8000 ? 8000 : 24_000
  const hash = createHash("sha256").update(soundBytes(turn, rate)).digest("hex")
  const json = JSON.stringify({ speaker, text: turn.text, ...(rate === 8000 ? { sample_rate: rate } : {}), sha256: hash })
  // The sound is usually sent once, so its JSON is not kept.
  return { speaker, withSound: () => withSound(json, turn, rate), hashed: { hash, json } }
}

const encodeWhole = (turn: SpokenTurn, speaker: string): EncodedTurn => {
  const json = withSound(JSON.stringify({ speaker, text: turn.text }), turn, 24_000)
  return { speaker, withSound: () => json, hashed: undefined }
}

/** The newest turns that fit into `contextMillis`, oldest first. */
const newestTurns = (turns: ReadonlyArray<SpokenTurn>): ReadonlyArray<SpokenTurn> => {
  let millis = 0
  let from = turns.length
  while (from > 0) {
    millis += millisOf(turns[from - 1])
    if (millis > contextMillis) break
    from--
  }
  return turns.slice(from)
}

export interface SpeechContext {
  /** Whether the server keeps sound by its hash, as its newest headers say. */
  readonly keepsSound: () => boolean
  readonly noteHeaders: (headers: Headers.Headers) => void
  /** Notes that the server has the sound of this hash, because it has just spoken it. */
  readonly noteHash: (hash: string) => void
  /** Notes that the server has accepted a request with these turns. */
  readonly noteSent: (turns: ReadonlyArray<SpokenTurn>) => void
  /** Forgets the server's sound, because the server has lost sound or another server answers. All sound is sent again. */
  readonly forget: () => void
  /** A request's JSON object with the newest turns as its `context`. `speaker` is the agent's voice. */
  readonly addTo: (object: string, turns: ReadonlyArray<SpokenTurn>, speaker: string) => Uint8Array
}

/** Each server needs a context of its own, because the hashes belong to the server. */
export const make = (): SpeechContext => {
  const encodedTurns = new WeakMap<SpokenTurn, EncodedTurn>()
  /** Hashes of the sound that the server has, the newest last. */
  const knownHashes = new Set<string>()
  let keepsSound = false

  /** A turn is part of several requests, but is encoded once. */
  const encode = (turn: SpokenTurn, speaker: string): EncodedTurn => {
    const known = encodedTurns.get(turn)
    if (known?.speaker === speaker && (known.hashed !== undefined) === keepsSound) return known
    const encoded = keepsSound ? encodeHashed(turn, speaker) : encodeWhole(turn, speaker)
    encodedTurns.set(turn, encoded)
    return encoded
  }

  const noteHash = (hash: string): void => {
    knownHashes.delete(hash)
    knownHashes.add(hash)
    for (const oldest of knownHashes) {
      if (knownHashes.size <= maxHashes) break
      knownHashes.delete(oldest)
    }
  }

  return {
    keepsSound: () => keepsSound,
    noteHeaders: (headers) => {
      keepsSound = headers[hashesHeader] !== undefined
    },
    noteHash,
    noteSent: (turns) => {
      for (const turn of newestTurns(turns)) {
        const hash = encodedTurns.get(turn)?.hashed?.hash
        if (hash !== undefined) noteHash(hash)
      }
    },
    forget: () => knownHashes.clear(),
    addTo: (object, turns, speaker) => {
      // CSM tells the speakers apart by these names, so the caller's must differ from the agent's.
      const caller = speaker === "1" ? "0" : "1"
      const context = newestTurns(turns).map((turn) => {
        const { hashed, withSound } = encode(turn, turn.role === "agent" ? speaker : caller)
        return hashed !== undefined && knownHashes.has(hashed.hash) ? hashed.json : withSound()
      })
      return withMember(object, "context", ["[", ...Arr.intersperse(context, ","), "]"])
    }
  }
}
