import { assert, describe, it } from "@effect/vitest"
import * as Mulaw from "../../../../src/audio/Mulaw.ts"
import * as InboundSound from "../../../../src/call/media/InboundSound.ts"
import * as LineCodec from "../../../../src/call/media/LineCodec.ts"
import type { Media } from "../../../../src/twilio/media/MediaMessage.ts"
import type { Silence } from "../../../../src/twilio/media/inbound/InboundMedia.ts"
import { streamSid } from "../../../support/conversation/Samples.ts"

type Message = Pick<Media["media"], "chunk" | "timestamp">

const media = ({ chunk, timestamp }: Message, byte = 0x80): Media => ({
  event: "media",
  sequenceNumber: 1,
  streamSid: streamSid(),
  media: { track: "inbound", chunk, timestamp, payload: new Uint8Array(160).fill(byte) }
})
const levelOf = (byte: number) => Mulaw.decode(Uint8Array.of(byte))[0]
const loud = levelOf(0x80)
/** Samples of one value. */
const of = (value: number, millis: number) => Array.from({ length: millis * 8 }, () => value)
const samplesOf = (pieces: InboundSound.Pieces) => pieces.flatMap((piece) => [...piece])

/** The counts of messages that were taken and skipped. */
const makeCounts = () => {
  const taken: Array<number> = []
  const stale: Array<number> = []
  return { taken, stale, addTaken: (count: number) => void taken.push(count), addStale: (count: number) => void stale.push(count) }
}

describe("the sound for an agent", () => {
  it("has silence in place of lost messages, and while none were sent", () => {
    const { decode } = LineCodec.makeDecoder(8000)
    const counts = makeCounts()
    let now = 0
    const sound = InboundSound.makeGapless({ decode, backlog: 6000, now: () => now, openedAt: 0, counts })
    const hear = (first: Media | Silence, ...others: ReadonlyArray<Media | Silence>) => samplesOf(sound.pieces([first, ...others]))
    assert.deepStrictEqual(hear(media({ chunk: 1, timestamp: 155 })), of(loud, 20))
    now = 80
    assert.deepStrictEqual(
      hear(media({ chunk: 4, timestamp: 215 }), media({ chunk: 5, timestamp: 235 })),
      [...of(0, 40), ...of(loud, 40)]
    )
    assert.deepStrictEqual(hear({ event: "silence", millis: 55 }), of(0, 55))
    assert.deepStrictEqual(counts.taken, [1, 2, 0])
    assert.isTrue(sound.arePongsReliable())
  })

  it("is only the newest for an agent with maxBacklogFrames, and less if its own frames wait to be sent", () => {
    const { decode } = LineCodec.makeDecoder(8000)
    const counts = makeCounts()
    let unsent = 0
    const pieces = InboundSound.makeNewest({ decode, maxBacklogFrames: 3, unsentFrames: () => unsent, counts })
    const messages = [0x80, 0x90, 0xa0, 0xb0].map((byte, index) => media({ chunk: index + 1, timestamp: 20 * index }, byte))
    const hear = () => samplesOf(pieces([messages[0], ...messages.slice(1)]))
    assert.deepStrictEqual(hear(), [0x90, 0xa0, 0xb0].flatMap((byte) => of(levelOf(byte), 20)))
    unsent = 2
    assert.deepStrictEqual(hear(), of(levelOf(0xb0), 20))
    unsent = 10
    assert.deepStrictEqual(hear(), of(levelOf(0xb0), 20))
    assert.deepStrictEqual(counts.stale, [1, 3, 3])
    assert.deepStrictEqual(counts.taken, [4, 4, 4])
  })
})
