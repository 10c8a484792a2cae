import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Result, Stream } from "effect"
import { AgentFiles, parse } from "../../../../src/agent/file/AgentFile.ts"
import * as Defaults from "../../../../src/agent/file/Defaults.ts"
import { languageDefaults } from "../../../../src/agent/file/LanguageDefaults.ts"
import * as HoldRequest from "../../../../src/conversation/turn/words/HoldRequest.ts"
import { receptionistFile } from "../../../../src/agent/Agents.ts"
import * as YamlFile from "../../../../src/config/yaml/YamlFile.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../../../src/definition/AgentDefinition.ts"
import * as PhraseNotation from "../../../../src/definition/PhraseNotation.ts"
import type { RecognitionHints } from "../../../../src/definition/RecognitionHints.ts"
import { SpeechToText } from "../../../../src/conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../../../../src/conversation/ports/TextToSpeech.ts"
import { config } from "../../../support/service/TestConfig.ts"

const file = "shop.yaml"

const good = (text: string, limit?: number): AgentDefinition => {
  const read = parse(text, file, limit)
  if (Result.isFailure(read)) return assert.fail(read.failure.message)
  return read.success
}

/** The problems of a text, each as `line:column message`. */
const bad = (text: string): ReadonlyArray<string> => {
  const read = parse(text, file)
  if (Result.isSuccess(read)) return assert.fail("It was read")
  for (const line of read.failure.message.split("\n")) assert.match(line, /^shop\.yaml:\d+:\d+: [A-Z"].*[.?]$|and \d+ more\.$/)
  return read.failure.problems.map(({ column, line, message }) => `${line}:${column} ${message}`)
}

const assertProblem = (text: string, start: string, ...parts: ReadonlyArray<string>) => {
  const problems = bad(text)
  assert.strictEqual(problems.length, 1, problems.join("\n"))
  assert.isTrue(problems[0].startsWith(`${start} `), problems[0])
  for (const part of parts) assert.include(problems[0], part)
}

const slots = `slots:
  day:
    values: [Monday, Tuesday]
  time:
    values:
      ten: ten [o'clock]
`

/** A file with these lines as its intent `book`. */
const intent = (...lines: ReadonlyArray<string>) => `name: shop\n${slots}intents:\n  book:\n${lines.map((line) => `    ${line}\n`).join("")}`

/** The number of the intent's first line. */
const first = 10

describe("a problem is reported for", () => {
  it("a single filler, because it would be said twice in a row", () => {
    assertProblem("name: shop\nfillers:\n  lines: [Well.]", "3:3", "two different lines")
    assertProblem("name: shop\nfillers:\n  lines: [Well., Well.]", "3:3", "two different lines")
    assertProblem("name: shop\nfillers:\n  after: soon", "3:10", "a duration")
  })

  it("a number without its country code, or without quotes", () => {
    for (const number of ["\"555 0177\"", "+14155550177", "\"somebody\"", "[]"]) {
      assertProblem(`name: shop\ntransfers:\n  boss: ${number}`, "3:9", "\"transfers.boss\" must be a phone number with its country code, in quotes")
    }
    assertProblem("name: shop\ntransfers:\n  The Boss: \"+14155550177\"", "3:3", "can't be a transfer's name")
  })

  it("an intent that transfers to nobody", () => {
    const boss = (line: string) => `name: shop\nintents:\n  boss:\n    digits: 0\n    answer: Yes.\n    ${line}\n`
    const two = "transfers: { kitchen: \"+14155550177\", office: \"+14155550178\" }"
    assertProblem(boss("next: transfer"), "6:11", "There is nobody to put callers through to.")
    assertProblem(boss("next: transfer") + two, "6:11", "one of: kitchen, office")
    assertProblem(boss("next: transfer\n    transfer: kitchn") + two, "7:15", "Did you mean \"kitchen\"?")
    assertProblem(boss("transfer: kitchen") + two, "6:5", "\"next: transfer\"")
  })

  it("a tool that can't be called, or whose parameters are not the schema of an object", () => {
    const tool = (...lines: ReadonlyArray<string>) => `name: shop\ntools:\n  stock:\n    description: Stock.\n${lines.map((line) => `    ${line}\n`).join("")}`
    assertProblem(tool(), "3:3", "\"tools.stock.url\" is missing")
    assertProblem(tool("url: ftp://shop.example/"), "5:10", "http:// or https://")
    assertProblem(tool("url: http://shop.example/", "paramters: {}"), "6:5", "Did you mean \"parameters\"?")
    for (const parameters of ["[]", "{ type: string }", "{ properties: { title: string } }", "{ properties: {}, required: [title] }", "{ x: .nan }"]) {
      assertProblem(tool("url: http://shop.example/", `parameters: ${parameters}`), "6:17", "a JSON schema of an object")
    }
    assertProblem("name: shop\ntools: { a b: { description: x, url: \"http://x.example\" } }", "2:10", "can't be a tool's name")
  })

  it("missing lines in a language without standard lines", () => {
    const german = "name: laden\nlanguage: de\ngreeting: Guten Tag.\nlines: { idle: Sind Sie da?, idleGoodbye: Tschüss., apology: Pardon., failure: Tschüss., timeIsUp: Tschüss. }\n"
    assert.isUndefined(good(german).lines.transferFailed)
    assert.isUndefined(good(german).lines.hold)
    assertProblem(`${german}transfers: { chef: "+14155550177" }`, "2:11", "lines.transferFailed")
    assertProblem(`${german}recording: true`, "2:11", "lines.recorded")
    assertProblem(`${german}fillers: {}`, "5:1", "two different lines")
  })
})

describe("an agent's file", () => {
  it("needs a name; all else has a default", () => {
    const definition = good("name: shop")
    const standard = languageDefaults.get("en")!
    assert.deepStrictEqual({ ...definition, hints: undefined, script: undefined } as unknown, {
      name: "shop",
      language: "en",
      instructions: Defaults.instructions,
      lines: { ...standard.lines, notUnderstood: standard.notUnderstood.first },
      script: undefined,
      hints: undefined,
      endpointing: { silence: 300, complete: 250, trailing: 800, speculate: 100, dictation: 1600 },
      interruption: { minSpeech: 200, backchannels: standard.backchannels },
      smallTalk: standard.smallTalk,
      idle: { after: 8000, hangUpAfter: 20_000, hold: 60_000 },
      timeouts: { transcript: 3000, reply: 5000, speech: 4000 },
      maxDuration: 1_800_000
    })
    assert.deepStrictEqual(definition.script.intents.map(({ name }) => name), ["repeat", "cancel", "goodbye"])
    assert.includeMembers(
      [...definition.hints.phrases],
      [...standard.yes, ...standard.no, ...standard.backchannels, ...standard.greetings, ...standard.holdRequests]
    )
  })

  it("has fillers when it asks for them: the language's, or its own", () => {
    assert.deepStrictEqual(good("name: shop\nfillers: {}").fillers, { after: 900, lines: languageDefaults.get("en")!.fillers })
    assert.deepStrictEqual(good("name: shop\nfillers: { after: 1.5s, lines: [Well., \"Hm, so.\"] }").fillers, {
      after: 1500,
      lines: ["Well.", "Hm, so."]
    })
    for (const { fillers } of languageDefaults.values()) assert.isAtLeast(new Set(fillers).size, 2)
  })

  it("has a greeting as a text, or as a text that can't be interrupted", () => {
    const own = (yaml: string) => {
      const { interruption, lines } = good(`name: shop\n${yaml}`)
      return [lines.greeting, interruption.greeting]
    }
    const standard = languageDefaults.get("en")!.lines.greeting
    assert.deepStrictEqual(own("greeting: Hello there."), ["Hello there.", undefined])
    assert.deepStrictEqual(own("greeting: { text: This call is recorded., interruptible: false }"), ["This call is recorded.", false])
    assert.deepStrictEqual(own("greeting:\n  text: Hello there.\n  interruptible: true"), ["Hello there.", undefined])
    assert.deepStrictEqual(own("greeting: { interruptible: false }"), [standard, false])
    assert.deepStrictEqual(own("greeting: { text: }"), ["", undefined])
    assertProblem("name: shop\ngreeting: { text: Hello., interuptible: false }", "2:27", "\"interuptible\" in \"greeting\"", "Did you mean \"interruptible\"?")
    assertProblem("name: shop\ngreeting: { text: Hello., interruptible: maybe }", "2:42", "\"greeting.interruptible\" must be true or false")
    assertProblem("name: shop\ngreeting: 5", "2:11", "\"greeting\" must be a text, or the indented keys")
  })

  it("names the telephones that callers are transferred to", () => {
    const definition = good(`name: shop
transfers: { kitchen: "+1 (415) 555-0177", office: "+14155550178" }
intents:
  cook: { phrases: the cook, answer: One moment., next: transfer, transfer: kitchen }
`)
    assert.deepStrictEqual(definition.transfers as unknown, { kitchen: "+14155550177", office: "+14155550178" })
    assert.deepInclude(definition.script.intents[0], { after: "transfer", transfer: "kitchen" })
  })

  it("need not name the transfer if it has only one", () => {
    const definition = good("name: shop\ntransfers: { office: \"+14155550178\" }\nintents: { boss: { digits: 0, answer: Yes., next: transfer } }")
    assert.strictEqual(definition.script.intents[0].transfer, "office")
  })

  it("names tools of a language model", () => {
    const { tools } = good(`name: shop
tools:
  stock:
    description: How many of a book there are.
    url: http://127.0.0.1:9000/stock
    timeout: 1s
    repeatable: true
    parameters:
      properties: { title: { type: string } }
      required: [title]
  time: { description: The time., url: "https://shop.example/time" }
`)
    assert.deepStrictEqual(tools, [
      {
        name: "stock",
        description: "How many of a book there are.",
        url: new URL("http://127.0.0.1:9000/stock"),
        timeout: 1000,
        repeatable: true,
        parameters: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
      },
      {
        name: "time",
        description: "The time.",
        url: new URL("https://shop.example/time"),
        timeout: 3000,
        repeatable: false,
        parameters: { type: "object", properties: {} }
      }
    ])
  })

  it("never lasts longer than the service's longest call", () => {
    assert.strictEqual(good("name: shop", 60_000).maxDuration, 60_000)
    assert.strictEqual(good("name: shop\nmaxDuration: 10m", 3_600_000).maxDuration, 600_000)
    assert.strictEqual(good("name: shop\nmaxDuration: 10m", 60_000).maxDuration, 60_000)
  })

  it("has durations such as 300ms, 8s, 2m, or a number of ms", () => {
    const { endpointing, idle, timeouts } = good(
      "name: shop\nendpointing: { silence: 300ms, complete: 0.2s, trailing: 900, dictation: 2s }\nidle: { after: 8s, hangUpAfter: 2m, hold: 90s }\ntimeouts: { reply: \"4 s\" }"
    )
    assert.deepStrictEqual(endpointing, { silence: 300, complete: 200, trailing: 900, speculate: 100, dictation: 2000 })
    assert.deepStrictEqual(idle, { after: 8000, hangUpAfter: 120_000, hold: 90_000 })
    assert.strictEqual(timeouts.reply, 4000)
  })

  it("sets every line, and may greet with silence", () => {
    const { lines } = good(
      "name: shop\ngreeting:\nlines: { idle: a, idleGoodbye: b, apology: c, failure: d, timeIsUp: e, transferFailed: f, hold: g, resumed: i, recorded: j }\nnotUnderstood: { first: h }"
    )
    assert.deepStrictEqual(lines, {
      greeting: "", idle: "a", idleGoodbye: "b", apology: "c", failure: "d", timeIsUp: "e", transferFailed: "f", hold: "g", resumed: "i", recorded: "j", notUnderstood: "h"
    })
  })

  it("tells callers of a recording, unless its line is empty", () => {
    assert.strictEqual(good("name: shop\nrecording: true").isRecorded, true)
    assert.strictEqual(good("name: shop\nrecording: true").lines.recorded, "This call is recorded.")
    assert.strictEqual(good("name: shop\nrecording: true\nlines: { recorded: }").lines.recorded, "")
    assert.isUndefined(good("name: shop").isRecorded)
  })

  it("names the country whose numbering plan tells when a dictated number is complete", () => {
    assert.strictEqual(good("name: shop\nregion: GB").region, "GB")
    assertProblem("name: shop\nregion: gb", "2:9", "two capital letters")
    assertProblem("name: shop\nregion: XX", "2:9", "two capital letters")
  })

  it("leaves a caller's request to wait to the model if the line `hold` is empty", () => {
    assert.strictEqual(good("name: shop\nlines: { hold: }").lines.hold, "")
  })

  it("has standard phrases for requests to wait that are recognized as such", () => {
    for (const [language, { holdRequests }] of languageDefaults) {
      for (const phrase of holdRequests) {
        const words = phrase.replace(/\(([^|()]*)[^()]*\)/g, "$1").replace(/[[\]]/g, "")
        assert.isTrue(HoldRequest.isOne(words, language), words)
      }
    }
  })

  it("has phrases in a block, with comments, or in a list", () => {
    const block = good("name: shop\nintents:\n  hi:\n    phrases: |\n      hello [there]\n\n      # not said\n      good morning\n    answer: Hi.")
    const list = good("name: shop\nintents:\n  hi:\n    phrases: [\"hello [there]\", good morning]\n    answer: Hi.")
    assert.deepStrictEqual(block.script.intents[0].phrases, ["hello [there]", "good morning"])
    assert.deepStrictEqual(list, block)
  })

  it("lists the values of a slot, with or without phrases of their own", () => {
    const { hints, script } = good(`name: shop\n${slots}`)
    assert.deepStrictEqual(script.slots, [
      { name: "day", values: [{ value: "Monday", ways: ["monday"] }, { value: "Tuesday", ways: ["tuesday"] }], phrases: ["{day}"] },
      { name: "time", values: [{ value: "ten", ways: ["ten [o'clock]"] }], phrases: ["{time}"] }
    ])
    assert.deepStrictEqual(hints.slots, { day: ["monday", "tuesday"], time: ["ten [o'clock]"] })
  })

  it("tells the recognizer what callers answer when they are asked for slots", () => {
    const { hints } = good(intent("phrases: book", "needs: { day: Which day?, time: \"When on {day}?\" }", "answer: \"{day}, {time}.\""))
    const asked = hints.phrases.filter((phrase) => phrase.includes("{day}"))
    assert.strictEqual(asked.length, 2)
    for (const phrase of hints.phrases) assert.isTrue(Result.isSuccess(PhraseNotation.parse(phrase)), phrase)
  })

  it("replaces a standard intent by an intent of the same name", () => {
    const { script } = good("name: shop\nintents:\n  goodbye:\n    phrases: see you\n    answer: Bye.\n    next: hang up")
    assert.deepStrictEqual(script.intents.map(({ name, phrases }) => [name, phrases.length]), [["goodbye", 1], ["repeat", 2], ["cancel", 1]])
    assert.strictEqual(script.intents[0].after, "hangUp")
  })

  it("may write a value once and use it again by an alias", () => {
    const { script } = good("name: shop\nintents:\n  a: &a\n    phrases: aye\n    answer: A.\n  b: *a")
    assert.deepStrictEqual(script.intents[0].phrases, script.intents[1].phrases)
  })

  it("in a language without standard lines must have its own", () => {
    assertProblem("name: shop\nlanguage: it", "2:11", "greeting, lines.idle", "\"it\"")
    const lines = "lines: { idle: a, idleGoodbye: b, apology: c, failure: d, timeIsUp: e }"
    const { hints, lines: own } = good(`name: shop\nlanguage: it\ngreeting: Ciao.\n${lines}`)
    assert.deepStrictEqual(hints.phrases, [])
    assert.strictEqual(own.greeting, "Ciao.")
    assert.strictEqual(own.notUnderstood, "c")
    assert.strictEqual(good(`name: shop\nlanguage: it\ngreeting: Ciao.\n${lines}\nnotUnderstood: { first: Come }`).lines.notUnderstood, "Come")
  })
})

describe("a file with problems", () => {
  it("gets a suggestion for a misspelled key", () => {
    assertProblem("name: shop\ngreting: Hello.", "2:1", "\"greting\"", "Did you mean \"greeting\"?")
    assertProblem("name: shop\nidle:\n  aftre: 8s", "3:3", "\"aftre\" in \"idle\"", "Did you mean \"after\"?")
    assertProblem(intent("phrases: book", "anwser: x", "answer: x"), `${first + 1}:5`, "\"anwser\" in \"intents.book\"", "\"answer\"")
    assertProblem("name: shop\ncolour: red", "2:1", "Use one of: name, language")
  })

  it.each([
    ["name: 5", "1:7", "an agent's name"],
    ["name: My Shop", "1:7", "an agent's name"],
    ["greeting: Hello.", "1:1", "\"name\" is missing"],
    ["name: shop\ngreeting: [Hello]", "2:11", "a text"],
    ["name: shop\nlanguage: english", "2:11", "two letters"],
    ["name: shop\nidle: 5", "2:7", "keys with values"],
    ["name: shop\nidle: { after: soon }", "2:16", "a duration"],
    ["name: shop\nidle: { after: -1s }", "2:16", "a duration"],
    ["name: shop\nmaxDuration: 3 days", "2:14", "a duration"],
    ["name: shop\nintents: [hours]", "2:10", "keys with values"],
    ["name: shop\nyes: 5", "2:6", "phrases"],
    ["name: shop\nslots: { day: { values: 5 } }", "2:25", "values"],
    ["name: shop\nslots: { day: {} }", "2:10", "\"slots.day.values\" is missing"],
    ["- name: shop", "1:1", "keys with values"],
    ["", "1:1", "keys with values"],
    ["shop", "1:1", "keys with values"]
  ])("is told which type of value was expected: %s", (text, start, expected) => assertProblem(text, start, expected))

  it.each([
    ["phrases: [book]", "next: hangup", "answer: ok", 1, "11", "hang up"],
    ["phrases: book", "digits: one", "answer: ok", 1, "13", "keys of the telephone"],
    ["phrases: book", "answer: 5", "digits: 1", 1, "13", "a text, or a list"]
  ])("is told where an intent has a wrong entry: %s, %s", (one, two, three, line, column, expected) =>
    assertProblem(intent(one, two, three), `${first + line}:${column}`, expected))

  it("is refused with the names of intents that no caller can reach, or that have no answer", () => {
    assertProblem(intent("phrases: []", "answer: ok"), `${first - 1}:3`, "No caller can reach the intent \"book\"")
    assertProblem(intent("answer: ok"), `${first - 1}:3`, "No caller can reach the intent \"book\"")
    assertProblem(intent("phrases: |", "  # nothing yet", "answer: ok"), `${first - 1}:3`, "No caller can reach the intent \"book\"")
    assertProblem(intent("phrases: book"), `${first - 1}:3`, "has no answer")
    assert.strictEqual(good(intent("digits: 1", "answer: ok")).script.intents[0].digits, "1")
    assert.isDefined(good(intent("phrases: book", "next: repeat")))
  })

  it.each([
    ["when are you (open", 13, "\"(\" is not closed"],
    ["when are you] open", 12, "\"]\" closes nothing"],
    ["Good morning", 0, "lower case"],
    ["hello, you", 5, "Punctuation"],
    ["hello {My day}", 6, "{name}"],
    ["[please]", 0, "may be left out"],
    ["on {dya}", 3, "Did you mean \"day\"?"],
    ["( | x)", 4, "Words are missing"]
  ])("is told which character of a phrase is wrong: %s", (phrase, character, problem) => {
    assertProblem(intent("phrases: |", "  book", `  ${phrase}`, "answer: ok"), `${first + 2}:${7 + character}`, problem)
    assertProblem(intent("phrases:", "  - book", `  - "${phrase}"`, "answer: ok"), `${first + 2}:${10 + character}`, problem)
    assertProblem(intent(`phrases: "${phrase}"`, "answer: ok"), `${first}:${15 + character}`, problem)
  })

  it("may have phrases that are too long or too deep; they are reported and do no harm", () => {
    assertProblem(intent(`phrases: "${"very ".repeat(100)}"`, "answer: ok"), `${first}:15`, "400 characters")
    assert.isAtLeast(bad(intent(`phrases: "${"[".repeat(399)}"`, "answer: ok")).length, 1)
  })

  it("is refused with the places of unknown slots in answers and questions", () => {
    const asks = "needs: { day: Which day? }"
    assertProblem(intent("phrases: book", asks, "answer: On {dya}."), `${first + 2}:13`, "no slot \"dya\"", "\"day\"")
    assertProblem(intent("phrases: book", asks, "answer: At {time}."), `${first + 2}:13`, "does not ask for", "\"needs\"")
    assertProblem(intent("phrases: book", asks, "confirm: At {time}?", "answer: ok"), `${first + 2}:14`, "does not ask for")
    assertProblem(intent("phrases: book", "needs: { day: \"At {time}?\", time: When? }", "answer: ok"), `${first + 1}:19`, "not known yet")
    assertProblem(intent("phrases: book", "needs: { dya: When? }", "answer: ok"), `${first + 1}:14`, "Did you mean \"day\"?")
  })

  it("is refused with the names of slots that nobody can say", () => {
    assertProblem("name: shop\nslots:\n  day:\n    values: []", "4:5", "no values")
    assertProblem("name: shop\nslots:\n  day:\n    values:\n      monday: []", "5:7", "\"monday\"")
    assertProblem("name: shop\nslots:\n  day:\n    values:\n      monday: on {day}", "5:18", "can't hold the slot")
    assertProblem("name: shop\nslots:\n  day:\n    values: [monday, \"Fri,day\"]", "4:26", "\"Fri,day\"")
    assertProblem("name: shop\nslots:\n  Day:\n    values: [monday]", "3:3", "can't be a slot's name")
  })

  it("is refused with the names of intents that are missing or defined twice", () => {
    assertProblem(intent("phrases: book", "answer: ok", "yes: bok"), `${first + 2}:10`, "Did you mean \"book\"?")
    assertProblem("name: shop\nnotUnderstood: { next: persn }", "2:24", "Use one of: hang up")
    assertProblem(intent("phrases: book", "answer: ok").concat("  book:\n    phrases: x\n    answer: y\n"), `${first + 2}:3`, `line ${first - 1}`)
    assertProblem("name: shop\nname: shop", "2:1", "second time")
    assertProblem(
      intent("digits: 1", "answer: ok").concat("  other:\n    digits: \"1\"\n    answer: y\n"),
      `${first + 3}:13`,
      "already choose the intent \"book\""
    )
    assertProblem("name: shop\nintents:\n  \"My intent\":\n    phrases: x\n    answer: y", "3:3", "can't be an intent's name")
  })

  it("is refused with the silences that contradict each other", () => {
    assertProblem("name: shop\nidle: { after: 30s }", "2:1", "hangUpAfter")
  })

  it.each([
    ["a: [b", "1:6", "not YAML"],
    ["name: shop\n\tidle: x", "2:1", "Indent with spaces"],
    ["name: shop\nprompt: Well: you", "2:9", "in quotes"],
    ["name: shop\nintents:\n  a:\n    phrases:\n      - [please] go", "5:18", "in quotes"],
    ["name: shop\nintents:\n  a:\n    phrases:\n      - {day} please", "5:15", "in quotes"],
    ["name: shop\n---\nname: other", "2:1", "two files"]
  ])("is told where it is not YAML, and what to do: %j", (text, start, advice) => assertProblem(text, start, advice))

  it("is refused if it is a bomb of aliases or of brackets", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for (let level = 1; level < 9; level++) {
      const [name, last] = ["abcdefghi"[level], "abcdefghi"[level - 1]]
      bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${last}`).join(", ")}]`)
    }
    assertProblem(bomb.join("\n"), "1:1", "aliases")
    assertProblem("[".repeat(200_000), "1:1", "nests too deeply")
    assertProblem(`name: ${"[".repeat(3000)}${"]".repeat(3000)}`, "1:1", "nests too deeply")
  })

  it("gets all its problems at once, in the order of the lines", () => {
    const problems = bad([
      "name: My Shop",
      "greting: Hello.",
      "idle: { after: soon }",
      "intents:",
      "  hours:",
      "    phrases: When",
      "    answer: On {day}.",
      "  empty: {}",
      "  twice: { digits: 1, answer: a, next: nowhere }"
    ].join("\n"))
    assert.deepStrictEqual(problems.map((line) => line.split(" ")[0]), ["1:7", "2:1", "3:16", "6:14", "7:13", "8:3", "8:3", "9:40"])
  })

  it("gets the first fifty of very many problems", () => {
    const text = `name: shop\n${Array.from({ length: 80 }, (_, index) => `key${index}: x\n`).join("")}`
    const read = parse(text, file)
    assert.isTrue(Result.isFailure(read) && read.failure.message.split("\n").length === 51)
    assert.isTrue(Result.isFailure(read) && read.failure.message.endsWith("and 30 more."))
  })
})

// -- with engines --------------------------------------------------------------------------------

const Engines = (words: ReadonlyArray<string>, voices: ReadonlyArray<string> = [], refusal?: EngineFailed) =>
  Layer.mergeAll(
    Layer.succeed(SpeechToText, SpeechToText.of({
      prepare: () => Effect.die("prepare"),
      unknownWords: ({ phrases, slots }: RecognitionHints) =>
        refusal === undefined
          ? Effect.succeed(words.filter((word) => [...phrases, ...Object.values(slots).flat()].join(" ").includes(word)))
          : Effect.fail(refusal)
    })),
    Layer.succeed(TextToSpeech, TextToSpeech.of({ speak: () => Stream.die("speak"), prepare: () => Effect.die("prepare"), voices }))
  )

const withEngines = (engines: ReturnType<typeof Engines>) =>
  <A, E>(test: (files: AgentFiles["Service"]) => Effect.Effect<A, E, FileSystem.FileSystem | Path.Path>) =>
    AgentFiles.use(test).pipe(
      Effect.provide(AgentFiles.layer.pipe(
        Layer.provide([engines, config({ MAX_CALL_DURATION: "5m" })]),
        Layer.provideMerge(NodeServices.layer)
      ))
    )

describe("a file that is checked against the engines", () => {
  it.effect("gets every word reported that can't be recognized, with its line", () =>
    withEngines(Engines(["xylofon", "brrr"]))((files) =>
      Effect.gen(function*() {
        const text = intent("phrases: |", "  play the xylofon", "  a xylofon [brrr]", "answer: xylofon!")
        const { message } = yield* Effect.flip(files.read(text, file))
        assert.deepStrictEqual(message.split("\n").map((line) => line.split(" ")[0]), [
          `${file}:${first + 1}:16:`,
          `${file}:${first + 2}:9:`,
          `${file}:${first + 2}:18:`
        ])
        assert.include(message, "\"brrr\"")
      })))

  it.effect("gets an unknown voice reported, together with all other problems", () =>
    withEngines(Engines(["monday"], ["slt", "rms"]))((files) =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(files.read(`name: shop\nvoice: stl\n${slots}colour: red`, file))
        assert.deepStrictEqual(message.split("\n").map((line) => line.split(" ")[0]), ["shop.yaml:2:8:", "shop.yaml:5:14:", "shop.yaml:9:1:"])
        assert.include(message, "Did you mean \"slt\"?")
      })))

  it.effect("may have any voice if the engine does not list its voices", () =>
    withEngines(Engines([]))((files) => Effect.map(files.read("name: shop\nvoice: any", file), ({ voice }) => assert.strictEqual(voice, "any"))))

  it.effect("gets advice if its language can't be recognized", () =>
    withEngines(Engines([], [], new EngineFailed({ stage: "speechToText", reason: "refused", advice: "Set STT_URL." })))((files) =>
      Effect.map(Effect.flip(files.read("name: shop\nlanguage: fr", file)), ({ message }) =>
        assert.strictEqual(message, "shop.yaml:2:11: Set STT_URL."))))

  it.effect("is not blamed for an engine that is down", () =>
    withEngines(Engines([], [], new EngineFailed({ stage: "speechToText", reason: "unavailable", advice: "Start it." })))((files) =>
      Effect.map(Effect.flip(files.read("name: shop", file)), (error) => assert.strictEqual(error._tag, "EngineFailed"))))

  it.effect("is reported if it is missing, a folder, or too large", () =>
    withEngines(Engines([]))((files) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const folder = yield* fs.makeTempDirectoryScoped()
        const missing = path.join(folder, "missing.yaml")
        const large = path.join(folder, "large.yaml")
        yield* fs.writeFileString(large, `name: shop\n${"#".repeat(YamlFile.maxBytes)}`)
        assert.match((yield* Effect.flip(files.load(missing))).message, /missing\.yaml can't be found\. Check AGENT/)
        assert.match((yield* Effect.flip(files.load(folder))).message, /is a folder\. Set the path of one file/)
        assert.match((yield* Effect.flip(files.load(large))).message, /more than 256 KiB/)
      }).pipe(Effect.scoped)))

  it.effect("gets a text reported that would be spoken for hours; instructions may be long", () =>
    withEngines(Engines([]))((files) =>
      Effect.gen(function*() {
        const long = "word ".repeat(21_000).trim()
        const { message } = yield* Effect.flip(files.read(`name: shop\ngreeting: ${long}\nlines:\n  idle: ${long}\nfillers:\n  lines: [Well, ${long}]`, file))
        const lines = message.split("\n")
        assert.deepStrictEqual(lines.map((line) => line.split(" ", 1)[0]), ["shop.yaml:2:11:", "shop.yaml:4:9:", "shop.yaml:6:17:"])
        for (const line of lines) assert.match(line, /This text has 104999 characters\. A text may have 2000/)
        const answer = yield* Effect.flip(files.read(`name: shop\nintents:\n  hours:\n    phrases: [when]\n    answer: ${long}`, file))
        assert.deepStrictEqual(answer.message.split("\n").map((line) => line.split(" ", 1)[0]), ["shop.yaml:5:13:"])
        const { instructions } = yield* files.read(`name: shop\ninstructions: ${long}`, file)
        assert.strictEqual(instructions, long)
      })))

  it.effect("must not be a pipe or a device", () =>
    withEngines(Engines([]))((files) =>
      Effect.map(Effect.flip(files.load("/dev/zero")), ({ message }) => assert.match(message, /\/dev\/zero is a pipe, a device or a socket/))))

  it.effect("of the receptionist is valid, and keeps to the service's longest call", () =>
    withEngines(Engines([]))((files) =>
      Effect.map(files.load(receptionistFile), ({ maxDuration, name }) => {
        assert.strictEqual(name, "receptionist")
        assert.strictEqual(maxDuration, 300_000)
      })))
})
