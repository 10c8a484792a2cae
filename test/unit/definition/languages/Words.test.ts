import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Words from "../../../../src/definition/languages/Words.ts"

describe("cut at a word", () => {
  it.each([
    ["one two three", 0, ""],
    ["one two three", 0.15, ""],
    ["one two three", 0.24, "one"],
    ["one two three", 0.5, "one"],
    ["one two three", 0.54, "one two"],
    ["one two three", 0.99, "one two"],
    ["one two three", 1, "one two three"],
    ["one two three", 7, "one two three"],
    ["one two three", -1, ""],
    ["word", 0.99, ""],
    ["", 0.5, ""]
  ])("%j at %d is %j", (text, share, part) => assert.strictEqual(Words.cut(text, share), part))

  const Latin = Schema.Array(Schema.Literals(["a", "the", "open", "nine,", "half-past", "appointment."])).check(Schema.isMinLength(1))

  it.prop("gives whole words from the beginning, more for a larger share, and never more than the share", [
    Latin,
    Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  ], ([words, one, other]) => {
    const text = words.join(" ")
    const less = Words.cut(text, Math.min(one, other))
    const more = Words.cut(text, Math.max(one, other))
    assert.isTrue(more.startsWith(less))
    assert.isAtMost(less.length, text.length * Math.min(one, other))
    const heard = less === "" ? [] : less.split(" ")
    assert.deepStrictEqual(heard, words.slice(0, heard.length))
  }, { arbitrary: { runs: 500 } })
})

describe("cut between words that have no blanks", () => {
  it.each([
    ["我们每天九点开门。", 0.5, "我们每天"],
    ["我们每天九点开门。", 0.99, "我们每天九点"],
    ["こんにちは。予約は明日の九時です。", 0.5, "こんにちは。予約"],
    ["สวัสดีครับ เราเปิดเก้าโมง", 0.6, "สวัสดีครับ เรา"],
    ["내일 아홉 시에 문을 엽니다.", 0.5, "내일 아홉"],
    ["请拨打 4155550100 联系我们", 0.5, "请拨打"],
    ["他说「你好」然后走了", 0.6, "他说「你好」"],
    ["我们用 iPhone 手机。", 0.6, "我们用"]
  ])("%j at %d is %j", (text, share, part) => assert.strictEqual(Words.cut(text, share), part))
})

/** Sentences in one script or in several. */
const Sentence = Schema.Literals([
  "我们每天九点开门。", "请问您要预约哪一天？", "こんにちは、ご予約は明日の九時でよろしいですか。", "ありがとうございます！", "สวัสดีครับ เราเปิดเก้าโมงเช้าทุกวัน", "ขอบคุณค่ะ",
  "내일 아홉 시에 문을 엽니다.", "감사합니다.", "We open at nine.", "Das macht 12,50 €.", "请拨打 +86 10 5550 1234 或 email 我们。", "ພວກເຮົາເປີດທຸກມື້", "យើងបើករាល់ថ្ងៃ", "مرحبا كيف يمكنني مساعدتك؟",
  "Мы открыты.", "नमस्ते, मैं आपकी क्या मदद कर सकता हूँ?", "「はい」と言いました。", "iPhone手机很贵", "👩‍👩‍👧 好的"
])
const Text = Schema.Array(Sentence).check(Schema.isMinLength(1), Schema.isMaxLength(4))
const Share = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

const letters = (text: string) => text.replace(/\s+/g, "")
const segmenter = new Intl.Segmenter("en", { granularity: "word" })

describe("of any script", () => {
  it.prop("the cut text grows with the share, ends between words, and loses nothing of the rest", [Text, Share, Share], ([sentences, one, other]) => {
    const text = sentences.join(" ")
    const less = Words.cut(text, Math.min(one, other))
    const more = Words.cut(text, Math.max(one, other))
    assert.isTrue(text.startsWith(less))
    assert.isTrue(more.startsWith(less))
    assert.isTrue(less.isWellFormed())
    assert.isAtMost(Words.spokenLetters(less), Words.spokenLetters(text) * Math.max(one, other) + 1e-9)
    const bounds = new Set(Array.from(segmenter.segment(text), ({ index }) => index))
    assert.isTrue(less.length === text.length || bounds.has(less.length), less)
    assert.strictEqual(letters(less + text.slice(less.length)), letters(text))
  }, { arbitrary: { runs: 500 } })

  it.prop("half of a longer sentence is neither empty nor the whole sentence", [Sentence], ([sentence]) => {
    if (Words.count(sentence) < 3) return
    const heard = Words.cut(sentence, 0.7)
    assert.isAbove(heard.length, 0)
    assert.isBelow(heard.length, sentence.length)
  })

  it.prop("the parts of a cut text can be joined to the text again", [Sentence, Share], ([sentence, share]) => {
    const heard = Words.cut(sentence, share)
    const rest = sentence.slice(heard.length).trim()
    assert.strictEqual(letters(Words.join(heard, rest)), letters(sentence))
    // No blank is added between Chinese words.
    if (!/\s/.test(sentence) && /^\p{Script=Han}/u.test(sentence)) assert.notMatch(Words.join(heard, rest), /\s/)
  })

  it.prop("never throws", [Schema.String, Share], ([text, share]) => {
    Words.cut(text, share)
    Words.plain(text)
    Words.count(text)
    assert.isAtMost(Words.lengthWithin(text, 20), text.length)
    assert.isAtMost(Words.spokenLetters(text.slice(0, Words.lengthWithin(text, 20))), 20)
  })
})

describe("the number of words", () => {
  it.each([
    ["", 0], ["  ", 0], ["one", 1], ["half-past nine, please", 3], ["我们每天九点开门。", 5], ["내일 아홉 시", 3], ["สวัสดีครับ", 2], ["。", 0]
  ])("of %j is %d", (text, count) => assert.strictEqual(Words.count(text), count))
})

describe("short answers are the same", () => {
  it.each([
    ["Uh-huh.", "uh-huh"], ["好，的。", "好的"], ["嗯 嗯", "嗯嗯"], ["はい。", "はい"], ["ใช่ ครับ", "ใช่ครับ"], ["네, 네.", "네 네"], ["ＯＫ！", "ok"], ["D'accord !", "d'accord"]
  ])("%j as %j", (said, listed) => assert.strictEqual(Words.plain(said), Words.plain(listed)))

  it.each([["好的", "不好"], ["no", "now"]])("but not %j as %j", (said, listed) => assert.notStrictEqual(Words.plain(said), Words.plain(listed)))
})

describe("a text continues another", () => {
  it.each([
    ["I am here", "I", true], ["It", "I", false], ["I", "I", false], ["我要预约明天", "我要预约", true], ["ผมต้องการจอง", "ผม", true], ["예약하고 싶어요", "예약하고", true], ["예약하고", "예약", false]
  ])("%j %j: %s", (text, begun, does) => assert.strictEqual(Words.continues(text, begun), does))
})
