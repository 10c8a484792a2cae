import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as MediaScanner from "../../../../../src/twilio/media/codec/MediaScanner.ts"
import { decodeInbound, type Media } from "../../../../../src/twilio/media/MediaMessage.ts"
import { streamSid } from "../../../../support/conversation/Samples.ts"

const sid = streamSid()
const scan = MediaScanner.make(sid)

/** A key and its value, both as JSON text. */
type Field = readonly [key: string, value: string]

const quoted = (text: string) => `"${text}"`
const object = (fields: ReadonlyArray<Field>) => `{${fields.map(([key, value]) => `${quoted(key)}:${value}`).join(",")}}`

interface Parts {
  readonly payload?: string
  readonly counters?: readonly [sequenceNumber: string, chunk: string, timestamp: string]
  readonly track?: string
  readonly stream?: string
}

const innerFields = ({ counters = ["4", "3", "155"], payload = "AAEC", track = "inbound" }: Parts): ReadonlyArray<Field> => [
  ["track", quoted(track)],
  ["chunk", quoted(counters[1])],
  ["timestamp", quoted(counters[2])],
  ["payload", quoted(payload)]
]

const outerFields = ({ counters = ["4", "3", "155"], stream = sid }: Parts, inner: string): ReadonlyArray<Field> => [
  ["event", quoted("media")],
  ["sequenceNumber", quoted(counters[0])],
  ["media", inner],
  ["streamSid", quoted(stream)]
]

/** A `media` as Twilio writes it. */
const media = (parts: Parts = {}) => object(outerFields(parts, object(innerFields(parts))))

/** One of the orders of some things; there are 24 of four. */
const ordered = <A>(things: ReadonlyArray<A>, order: number): ReadonlyArray<A> => {
  if (things.length < 2) return things
  const first = order % things.length
  return [things[first], ...ordered(things.toSpliced(first, 1), Math.floor(order / things.length))]
}

const scanned = (text: string) => scan(Buffer.from(text))

const withBytes = (message: Media) => ({ ...message, media: { ...message.media, payload: [...message.media.payload] } })

/** Whether the scanner reads the text. If so, checks that the schema reads the same. */
const isScanned = (text: string) => {
  const found = scanned(text)
  if (found === undefined) return false
  const decoded = Result.getOrThrow(decodeInbound(text))
  assert.deepStrictEqual(withBytes(found), decoded.event === "media" ? withBytes(decoded) : undefined)
  return true
}

const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Bytes = Schema.Array(whole(255)).check(Schema.isMaxLength(400))
const Counter = whole(Number.MAX_SAFE_INTEGER)
const Order = whole(23)
const base64 = (bytes: ReadonlyArray<number>) => Buffer.from(bytes).toString("base64")
const usual = media({ payload: base64(Array.from({ length: 160 }, (_, index) => index)) })
const [event, sequenceNumber, inner, stream] = outerFields({}, object(innerFields({})))
/** The order of an early edition of Twilio's documentation. */
const streamSidFirst = object([event, sequenceNumber, stream, inner])

/** Ways in which a field may be wrong or unusual. */
const changes: ReadonlyArray<(field: Field) => ReadonlyArray<Field>> = [
  (field) => [field],
  () => [],
  (field) => [field, field],
  ([key, value]) => [[key, "null"], [key, value]],
  ([key, value]) => [[key, value], [key, quoted("7")]],
  ([key, value]) => [[`\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`, value]],
  ([key, value]) => [[key, value], [`\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`, quoted("8")]],
  ([key, value]) => [[key.toUpperCase(), value]],
  ([key, value]) => [["later", value], [key, value]],
  ([key, value]) => [[key, ` ${value}`]],
  ([key, value]) => [[key, `${value}\n`]],
  ([key, value]) => [[key, value.replaceAll("/", "\\/")]],
  ([key, value]) => [[key, value.replace(/^"(.)/, (_, first: string) => `"\\u00${first.charCodeAt(0).toString(16)}`)]],
  ([key, value]) => [[key, value.slice(1, -1)]],
  ...[
    "", "0", "007", "-1", "+1", "1.0", "1e3", " 1", "1 ", "0x10", "999999999999999", "9999999999999999", "1234567890123456789012", "Infinity", "inbound",
    "outbound", "outbounds", "media", "mark", "=", "==", "====", "A===", "AA==", "AB==", "AAA=", "AA==AAEC", "AAEC\u00e4", "-_-_", "////", "AAE", sid, streamSid(2), `${sid}0`
  ].map((value) => ([key]: Field): ReadonlyArray<Field> => [[key, quoted(value)]]),
  ([key]) => [[key, "7"]],
  ([key]) => [[key, "{}"]],
  ([key]) => [[key, object(innerFields({}))]]
]

const changedAt = (fields: ReadonlyArray<Field>, at: number, change: number) =>
  fields.flatMap((field, index) => index === at ? changes[change](field) : [field])

describe("a media message", () => {
  it.prop("is scanned in every order of its fields, whatever its length and counters", [Bytes, Counter, Counter, Counter, Order, Order], (
    [bytes, sequence, chunk, time, outer, inner]
  ) => {
    const parts: Parts = { payload: base64(bytes), counters: [`${sequence}`, `${chunk}`, `${time}`] }
    const text = object(ordered(outerFields(parts, object(ordered(innerFields(parts), inner))), outer))
    assert.strictEqual(isScanned(text), [sequence, chunk, time].every((counter) => counter < 1e15))
  })

  it.prop("with unusual fields is read as the schema reads it, or left to the schema", [
    Order,
    Order,
    whole(3),
    whole(3),
    whole(changes.length - 1),
    whole(changes.length - 1)
  ], ([outer, inner, outerAt, innerAt, outerChange, innerChange]) => {
    const fields = ordered(innerFields({}), inner)
    const around = (media: string) => ordered(outerFields({}, media), outer)
    isScanned(object(around(object(changedAt(fields, innerAt, innerChange)))))
    isScanned(object(changedAt(around(object(fields)), outerAt, outerChange)))
    isScanned(object(changedAt(around(object(changedAt(fields, innerAt, innerChange))), outerAt, outerChange)))
  }, { arbitrary: { runs: 3000 } })

  it.prop("with fields in the wrong object is read as the schema reads it, or left to the schema", [
    Schema.Array(Schema.Boolean).check(Schema.isMinLength(7), Schema.isMaxLength(7)),
    Order
  ], ([isInner, order]) => {
    const fields = [event, sequenceNumber, stream, ...innerFields({})]
    const media = object(fields.filter((_, index) => isInner[index]))
    isScanned(object(ordered([...fields.filter((_, index) => !isInner[index]), ["media", media]], order)))
  }, { arbitrary: { runs: 1000 } })

  it.prop("with a changed byte is read as the schema reads it, or left to the schema", [
    whole(usual.length - 1),
    whole(127)
  ], ([at, code]) => {
    isScanned(usual.slice(0, at) + String.fromCharCode(code) + usual.slice(at + 1))
    isScanned(streamSidFirst.slice(0, at) + String.fromCharCode(code) + streamSidFirst.slice(at + 1))
  }, { arbitrary: { runs: 2000 } })

  it.prop("with cut or inserted bytes is read as the schema reads it, or left to the schema", [
    whole(usual.length),
    whole(20),
    Schema.String.check(Schema.isMaxLength(8))
  ], ([at, gone, come]) => void isScanned(usual.slice(0, at) + come + usual.slice(at + gone)), { arbitrary: { runs: 2000 } })

  it.prop("with moved or repeated parts is read as the schema reads it, or left to the schema", [
    whole(usual.length),
    whole(usual.length),
    whole(40)
  ], ([from, to, length]) => void isScanned(usual.slice(0, to) + usual.slice(from, from + length) + usual.slice(to)), { arbitrary: { runs: 2000 } })

  it.prop("is read the same at any place in a packet", [Order, whole(20), Bytes], ([order, before, after]) => {
    const text = object(ordered(outerFields({}, object(innerFields({}))), order))
    const packet = Buffer.concat([Buffer.alloc(before, "{"), Buffer.from(text), Buffer.from(after)])
    const found = scan(packet, before, before + text.length)
    assert.deepStrictEqual(found === undefined ? undefined : withBytes(found), withBytes(scanned(text)!))
  })

  it("is read exactly to its end", () => {
    for (const text of [usual, streamSidFirst]) {
      const packet = Buffer.from(`${text}}`.repeat(2))
      for (let end = 0; end < packet.length; end++) {
        assert.strictEqual(scan(packet, 0, end) !== undefined, end === text.length, `${end}`)
      }
    }
  })

  it.each([
    ["one length after another", media, [160, 160, 80, 160, 0, 1, 2, 3, 1000, 160]],
    // The quote at the place where the last payload ended belongs to a later field.
    [
      "a shorter one with a field after it",
      (parts: Parts) => object(outerFields(parts, object(ordered(innerFields(parts), 3)))),
      [160, 154, 160, 154]
    ]
  ] as const)("may have sound of any length: %s", (_, write, lengths) => {
    const scan = MediaScanner.make(sid)
    for (const length of lengths) {
      const found = scan(Buffer.from(write({ payload: Buffer.alloc(length, length).toString("base64") })))
      assert.deepStrictEqual([...found?.media.payload ?? []], Array(length).fill(length & 255))
      assert.isDefined(found)
    }
  })

  it("is left to the schema when it is not a usual one", () => {
    assert.isTrue(isScanned(media()))
    const fields = outerFields({}, object(innerFields({})))
    const others = {
      "of the other track": media({ track: "outbound" }),
      "of another stream": media({ stream: streamSid(2) }),
      "with blanks": media().replaceAll(":", ": "),
      "with a further field": media().replace("}", ",\"more\":1}"),
      "with a field too few": object(fields.slice(1)),
      "with a field twice": object([...fields, fields[0]]),
      "with its sound twice": media().replace("}", ",\"payload\":\"AAEC\"}"),
      "with a field of the media outside it": object([event, sequenceNumber, ["media", object(innerFields({}).slice(1))], ["track", quoted("inbound")], stream]),
      "with all fields in the media": object([["media", object([event, sequenceNumber, stream, ...innerFields({})])]]),
      "with an escaped key": media().replace("event", "\\u0065vent"),
      "with an escaped value": media().replace("inbound", "\\u0069nbound"),
      "without an end": media().slice(0, -1),
      "with something after it": `${media()} `,
      "with a counter that is not a number": media({ counters: ["x", "1", "2"] }),
      "with an empty counter": media({ counters: ["1", "", "2"] }),
      "with a counter too long for a number": media({ counters: ["1234567890123456", "1", "2"] }),
      "with base64 of the URL-safe alphabet": media({ payload: "-_-_" }),
      "with base64 that is cut": media({ payload: "AAE" }),
      "with padding in the middle": media({ payload: "AA==AAEC" }),
      "with nothing but padding": media({ payload: "====" }),
      "a mark": JSON.stringify({ event: "mark", sequenceNumber: "1", streamSid: sid, mark: { name: "a" } }),
      "nothing": ""
    }
    for (const [what, text] of Object.entries(others)) assert.isUndefined(scanned(text), what)
  })
})
