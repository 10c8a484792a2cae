/** The turn machine in languages without blanks between words: heard text, resumed answers, and backchannels. */
import { assert, describe, it } from "@effect/vitest"
import * as Turns from "../../../support/conversation/Turns.ts"

const languages = [
  ["zh", "我们每天早上九点开门，晚上六点关门，欢迎您随时光临。", "嗯嗯", "不对，我要预约"],
  ["ja", "当店は毎日朝九時から夕方六時まで営業しております。", "はい", "いいえ予約したいです"],
  ["th", "ร้านเราเปิดทุกวันตั้งแต่เก้าโมงเช้าถึงหกโมงเย็น", "ครับ", "ไม่ใช่ ผมอยากจอง"],
  ["ko", "저희는 매일 아침 아홉 시부터 저녁 여섯 시까지 문을 엽니다.", "네", "아니요 예약하고 싶어요"],
  ["mixed", "您的iPhone手机在Apple Store维修，编号是A17，请稍等。", "OK", "No，我不要"]
] as const

/** The caller has heard 4 s of the answer. */
const answering = (answer: string, backchannel: string) => {
  const turns = Turns.make({ interruption: { minSpeech: 200, backchannels: [backchannel] } })
  turns.greeted()
  turns.voice(600)
  turns.pass(120)
  turns.transcribed("?")
  turns.pass(300)
  turns.answers(answer)
  // The answer may have several pieces.
  const pieces = turns.all.filter(turns.tag("Speak")).slice(1)
  for (const { reply, segment } of pieces) {
    turns.send({ _tag: "SpeechBegan", reply, segment })
    turns.send({ _tag: "MediaSent", reply, segment })
    turns.send({ _tag: "SpeechEnded", reply, segment, duration: 4000 / pieces.length })
  }
  return turns
}

const history = (turns: ReturnType<typeof Turns.make>) => turns.state.history.map(({ role, text }) => `${role}: ${text}`)
const letters = (text: string) => text.replace(/\s+/g, "")

describe.each(languages)("%s", (_language, answer, backchannel, objection) => {
  it("the history has the heard part of an interrupted answer", () => {
    const turns = answering(answer, backchannel)
    turns.pass(2600)
    turns.voice(700)
    turns.pass(120)
    turns.transcribed(objection)
    turns.pass(300)
    const heard = turns.published("AgentHeard").at(-1)?.text ?? ""
    assert.isAbove(heard.length, answer.length * 0.2)
    assert.isBelow(heard.length, answer.length)
    assert.isTrue(answer.startsWith(heard), heard)
    assert.deepStrictEqual(history(turns).slice(-2), [`agent: ${heard}`, `caller: ${objection}`])
  })

  it("after a cough the agent says only the rest", () => {
    const turns = answering(answer, backchannel)
    turns.pass(2600)
    const before = turns.all.length
    turns.voice(300)
    turns.pass(120)
    turns.transcribed({ text: "", ending: "unknown" })
    turns.pass(300)
    assert.strictEqual(turns.published("Resumed").length, 1)
    const again = turns.all.slice(before).filter(turns.tag("Speak")).map(({ text }) => text)
    assert.isAbove(again.length, 0)
    assert.isBelow(letters(again.join("")).length, letters(answer).length * 0.8)
    assert.isTrue(letters(answer).endsWith(letters(again.join(""))))
    for (const { reply, segment } of turns.all.slice(before).filter(turns.tag("Speak"))) {
      turns.send({ _tag: "SpeechBegan", reply, segment })
      turns.send({ _tag: "MediaSent", reply, segment })
      turns.send({ _tag: "SpeechEnded", reply, segment, duration: 500 })
      turns.pass(500)
      turns.send({ _tag: "MarkReturned", reply, segment })
    }
    assert.strictEqual(letters(history(turns).at(-1) ?? ""), letters(`agent: ${answer}`))
  })

  it("a backchannel does not cancel the answer, whatever its punctuation", () => {
    for (const said of [backchannel, `${backchannel}。`, backchannel.toLowerCase()]) {
      const turns = answering(answer, backchannel)
      turns.pass(1000)
      turns.voice(300)
      turns.pass(120)
      turns.transcribed(said)
      turns.pass(300)
      assert.strictEqual(turns.published("Resumed").length, 1, said)
      assert.strictEqual(turns.count("StartReply"), 1, said)
    }
  })
})
