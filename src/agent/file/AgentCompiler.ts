/**
 * From an agent's file to a persona, with all that is wrong with it, before engines are asked.
 */
import { Result } from "effect"
import type { Fillers, AgentDefinition, Tool } from "../../definition/AgentDefinition.ts"
import * as PhraseNotation from "../../definition/PhraseNotation.ts"
import { type Intent, type DialogScript, type Slot, slotsIn } from "../../definition/DialogScript.ts"
import type { RecognitionHints } from "../../definition/RecognitionHints.ts"
import { decode, explain, extent, type File, flaws, isObject, nameOf, without } from "./AgentSchema.ts"
import * as Defaults from "./Defaults.ts"
import { suggest } from "../../domain/DidYouMean.ts"
import * as YamlSource from "./YamlSource.ts"
import type { Path, Place, Problem } from "./YamlSource.ts"

/** The longest phrase, in characters: notation nests, and each level costs. */
const maxPhrase = 400

/** The longest text that is spoken, in characters: some two minutes. Instructions are read by a language model and may be longer. */
const maxSpoken = 2000

/** Texts that are too long to be spoken, by where they stand. */
const longTexts = (data: unknown, path: Path = []): ReadonlyArray<readonly [Path, string]> => {
  if (typeof data === "string") return data.length > maxSpoken ? [[path, data]] : []
  if (Array.isArray(data)) return data.flatMap((item: unknown, at) => longTexts(item, [...path, at]))
  if (!isObject(data)) return []
  return Object.entries(data).flatMap(([key, inner]) =>
    key === "phrases" || path.length === 0 && key === "instructions" ? [] : longTexts(inner, [...path, key]))
}

/** What a file comes to, right or wrong, before engines are asked. */
export interface Draft {
  readonly problems: ReadonlyArray<Problem>
  /** Unset: so much is wrong that there is nothing to ask the engines about. */
  readonly persona?: AgentDefinition
  readonly voiceAt: Place
  readonly languageAt: Place
  /** Where a word stands in the file's phrases; nowhere, if it is a standard phrase's. */
  readonly wordAt: (word: string) => ReadonlyArray<Place>
}

/** For what concerns the whole file. */
export const nowhere: Place = { line: 1, column: 1 }
const nothing = (problems: ReadonlyArray<Problem>): Draft => ({ problems, voiceAt: nowhere, languageAt: nowhere, wordAt: () => [] })

const namePattern = /^[a-z][a-z0-9_-]{0,63}$/
const toolPattern = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/
const slotPattern = /^[a-z][a-z0-9_]{0,63}$/

/** What callers may say for the slots of an intent when they are asked, or to correct themselves. */
const fillings = (intent: Intent, slots: ReadonlyMap<string, Slot>, leads: string): ReadonlyArray<string> => {
  const said = intent.needs.flatMap(({ slot }) => {
    const phrases = slots.get(slot)?.phrases ?? []
    return phrases.length === 0 ? [] : [`(${phrases.join(" | ")})`]
  })
  return said.flatMap((one) => {
    const others = said.filter((other) => other !== one)
    return [`${leads} ${one}${others.length === 0 ? "" : ` [${others.join(" | ")}]`}`.trim()]
  })
}

/** Reads a text and checks all that can be checked without engines. `limit`: the longest call in ms. */
export const draft = (text: string, limit: number): Draft => {
  const parsed = YamlSource.parse(text)
  if (Result.isFailure(parsed)) return nothing(parsed.failure)
  const from = parsed.success
  const problems: Array<Problem> = [...from.duplicates]
  const report = (at: Place, message: string) => void problems.push({ ...at, message })

  const all = isObject(from.data) ? from.data : {}
  const namesOf = (key: string) => isObject(all[key]) ? Object.keys(all[key]) : []
  const intentNames = namesOf("intents")
  const transferNames = namesOf("transfers")
  const slotNames = namesOf("slots")

  // Whatever is wrong is reported, left out, and the rest is read.
  let data: unknown = from.data
  for (const [path, { length }] of longTexts(data)) {
    report(from.place(path), `This text has ${length} characters. A text may have ${maxSpoken}, some two minutes of speech; what a language model is to know belongs into "instructions".`)
    data = without(data, path)
  }
  const leftOut = new Set<string>()
  let file: File | undefined
  for (let round = 0; file === undefined && round < 4; round++) {
    const decoded = decode(data)
    if (Result.isSuccess(decoded)) {
      file = decoded.success
      break
    }
    const found = flaws(decoded.failure.issue, [])
    for (const flaw of found) {
      problems.push(explain(flaw, from))
      leftOut.add(nameOf(flaw.path))
      data = without(data, extent(flaw))
    }
    if (isObject(data) && !Object.hasOwn(data, "name")) data = { ...data, name: "unnamed" }
    if (!isObject(data)) break
  }
  if (file === undefined) return nothing(problems)

  const language = file.language ?? Defaults.language
  const known = Defaults.standards.get(language)
  const standard = known ?? Defaults.standards.get(Defaults.language)
  if (standard === undefined) return nothing(problems)
  if (known === undefined) {
    const wanted = [
      ...file.greeting?.text === undefined ? ["greeting"] : [],
      ...(["idle", "idleGoodbye", "apology", "failure", "timeIsUp"] as const)
        .filter((line) => file.lines?.[line] === undefined && !isFlawed(all["lines"], line)).map((line) => `lines.${line}`),
      ...file.transfers !== undefined && file.lines?.transferFailed === undefined ? ["lines.transferFailed"] : []
    ]
    if (wanted.length > 0) {
      report(
        from.place(["language"]),
        `There are standard lines in ${[...Defaults.standards.keys()].join(", ")} only. For "${language}", write: ${wanted.join(", ")}.`
      )
    }
  }
  const isForeign = known === undefined
  /** In another language it is better not said than said in English. */
  const { hold: _hold, transferFailed: _, ...spoken } = standard.lines

  // -- phrases --------------------------------------------------------------------------------

  const places: Array<{ readonly text: string; readonly at: (character: number) => Place }> = []

  /** The phrases that can be read; the others are reported. */
  const checkPhrases = (path: Path, phrases: ReadonlyArray<string>, slotsAllowed: boolean): ReadonlyArray<string> =>
    phrases.filter((text, index) => {
      const at = (character: number) => from.phrase(path, index, character)
      if (text === "" || text.length > maxPhrase) {
        report(at(0), text === "" ? "A phrase is empty here. Write what the caller says, or leave it out." : `A phrase may have ${maxPhrase} characters. Make several of it.`)
        return false
      }
      const read = PhraseNotation.parse(text)
      if (Result.isFailure(read)) {
        report(at(read.failure.at), `${read.failure.problem}, in the phrase "${text}".`)
        return false
      }
      places.push({ text, at })
      if (PhraseNotation.mayBeEmpty(read.success)) {
        report(at(0), `All of the phrase "${text}" may be left out. Let at least one word stand outside of [ ].`)
        return false
      }
      const unknown = PhraseNotation.slots(read.success).filter((slot) => !slotsAllowed || !slotNames.includes(slot))
      for (const slot of new Set(unknown)) {
        report(
          at(text.indexOf(`{${slot}}`)),
          slotsAllowed ? `There is no slot "${slot}". ${suggest(slot, slotNames)}` : `A value's own words can't hold the slot "${slot}". Write the words.`
        )
      }
      return unknown.length === 0
    })

  /** Slots in a text that can't have a value there. */
  const checkText = (path: Path, text: string, allowed: ReadonlyArray<string>, isNeed = false) => {
    for (const slot of new Set(slotsIn(text))) {
      if (allowed.includes(slot)) continue
      report(
        from.place(path),
        slotNames.includes(slot)
          ? isNeed
            ? `The question names {${slot}}, which is not known yet. Ask for it before.`
            : `The text names {${slot}}, which this intent does not ask for. Add "${slot}" to its "needs".`
          : `There is no slot "${slot}". ${suggest(slot, slotNames)}`
      )
    }
  }

  const checkIntentName = (path: Path, name: string | undefined, names: ReadonlyArray<string>) => {
    if (name !== undefined && !names.includes(name)) report(from.place(path), `There is no intent "${name}". ${suggest(name, names)}`)
  }

  // -- slots ----------------------------------------------------------------------------------

  const slots = Object.entries(file.slots ?? {}).map(([name, { phrases = [], values }]): Slot => {
    const path = ["slots", name]
    if (!slotPattern.test(name)) report(from.place(path, "key"), `A slot's name is a lower-case letter, then letters, digits or '_'; "${name}" is none.`)
    if (values.length === 0) report(from.place([...path, "values"], "key"), `The slot "${name}" has no values. Write at least one.`)
    const isList = isObject(all["slots"]) && isObject(all["slots"][name]) && Array.isArray(all["slots"][name]["values"])
    const read = values.map(({ value, ways }, index) => {
      if (ways.length === 0) report(from.place([...path, "values", value], "key"), `Nobody can say "${value}": it has no words. Write some, or leave the value out.`)
      const good = isList
        ? ways.filter(() => checkValue([...path, "values"], index, value, ways[0]))
        : checkPhrases([...path, "values", value], ways, false)
      return { value, ways: good }
    })
    const own = checkPhrases([...path, "phrases"], phrases, true)
    return { name, values: read, phrases: [...new Set([`{${name}}`, ...own])] }
  })

  /** A value of a plain list is its own phrase. */
  function checkValue(path: Path, index: number, value: string, text: string): boolean {
    const read = PhraseNotation.parse(text)
    if (Result.isFailure(read)) report(from.phrase(path, index, read.failure.at), `${read.failure.problem}, in the value "${value}". Write the values below each other, "${value}:" with its words behind it.`)
    else places.push({ text, at: (character) => from.phrase(path, index, character) })
    return Result.isSuccess(read)
  }

  // -- intents --------------------------------------------------------------------------------

  const entries = Object.entries(file.intents ?? {})
  const standardIntents = isForeign ? [] : standard.intents.filter(({ name }) => !intentNames.includes(name))
  const allIntentNames = [...intentNames, ...standardIntents.map(({ name }) => name)]
  const led = new Set(entries.flatMap(([, entry]) => [entry.yes, entry.no]).concat(file.notUnderstood?.next))
  const keys = new Map<string, string>()

  const intents = entries.map(([name, entry]): Intent => {
    const path = ["intents", name]
    const own = entry.phrases ?? []
    const needs = Object.entries(entry.needs ?? {})
    const needed = needs.map(([slot]) => slot)
    const after = entry.next ?? "listen"
    if (!namePattern.test(name)) report(from.place(path, "key"), `An intent's name is a lower-case letter, then letters, digits, '-' or '_'; "${name}" is none.`)
    const isLeftOut = (key: string) => leftOut.has(nameOf([...path, key]))
    if (own.length === 0 && entry.digits === undefined && !led.has(name) && !isLeftOut("phrases") && !isLeftOut("digits")) {
      report(from.place(path, "key"), `The intent "${name}" is empty: nobody can reach it. Write "phrases" for it, or "digits".`)
    }
    if (entry.answer === undefined && after !== "repeat" && !isLeftOut("answer") && !isLeftOut("next")) {
      report(from.place(path, "key"), `The intent "${name}" has no answer. Write "answer", or "next: repeat".`)
    }
    if (entry.digits !== undefined) {
      const other = keys.get(entry.digits)
      if (other !== undefined) report(from.place([...path, "digits"]), `The keys "${entry.digits}" choose "${other}" already. Take others.`)
      keys.set(entry.digits, name)
    }
    needs.forEach(([slot, ask], index) => {
      if (!slotNames.includes(slot)) report(from.place([...path, "needs", slot], "key"), `There is no slot "${slot}". ${suggest(slot, slotNames)}`)
      checkText([...path, "needs", slot], ask, needed.slice(0, index), true)
    })
    if (entry.confirm !== undefined) checkText([...path, "confirm"], entry.confirm, needed)
    if (entry.denied !== undefined) checkText([...path, "denied"], entry.denied, [])
    for (const answer of entry.answer ?? []) checkText([...path, "answer"], answer, needed)
    const transfer = entry.transfer ?? (after === "transfer" && transferNames.length === 1 ? transferNames[0] : undefined)
    if (after === "transfer" && transfer === undefined && !isLeftOut("transfer")) {
      report(
        from.place([...path, "next"]),
        transferNames.length === 0
          ? "There is nobody to put callers through to. Write \"transfers\", a name and a phone number each."
          : `To whom? Write "transfer" with one of: ${transferNames.join(", ")}.`
      )
    }
    if (entry.transfer !== undefined) {
      if (after !== "transfer" && !isLeftOut("next")) report(from.place([...path, "transfer"], "key"), "\"transfer\" counts only with \"next: transfer\". Write that too.")
      if (!transferNames.includes(entry.transfer)) {
        report(from.place([...path, "transfer"]), `There is no transfer "${entry.transfer}". ${suggest(entry.transfer, transferNames)}`)
      }
    }
    checkIntentName([...path, "yes"], entry.yes, allIntentNames)
    checkIntentName([...path, "no"], entry.no, allIntentNames)
    return {
      name,
      phrases: checkPhrases([...path, "phrases"], own, true),
      ...(entry.digits === undefined ? {} : { digits: entry.digits }),
      needs: needs.map(([slot, ask]) => ({ slot, ask })),
      ...(entry.confirm === undefined ? {} : { confirm: entry.confirm, denied: entry.denied ?? standard.denied }),
      answers: entry.answer ?? [],
      ...(entry.yes === undefined ? {} : { yes: entry.yes }),
      ...(entry.no === undefined ? {} : { no: entry.no }),
      after,
      ...(transfer === undefined ? {} : { transfer })
    }
  })

  const { notUnderstood } = file
  const escalation = notUnderstood?.next
  if (escalation !== undefined && escalation !== "hang up") checkIntentName(["notUnderstood", "next"], escalation, ["hang up", ...allIntentNames])
  const own = (path: Path, phrases: ReadonlyArray<string> | undefined, fallback: ReadonlyArray<string>) =>
    phrases === undefined ? isForeign ? [] : fallback : checkPhrases(path, phrases, false)
  const yes = own(["yes"], file.yes, standard.yes)
  const no = own(["no"], file.no, standard.no)
  const backchannels = own(["interruption", "backchannels"], file.interruption?.backchannels, standard.backchannels)

  const script: DialogScript = {
    intents: [...intents, ...standardIntents],
    slots,
    yes,
    no,
    prompt: file.prompt ?? standard.prompt,
    notUnderstood: {
      first: notUnderstood?.first ?? standard.notUnderstood.first,
      second: notUnderstood?.second ?? standard.notUnderstood.second,
      third: notUnderstood?.third ?? standard.notUnderstood.third,
      next: escalation === undefined || escalation === "hang up" ? "hangUp" : { intent: escalation }
    }
  }

  // -- settings -------------------------------------------------------------------------------

  const idle = { ...Defaults.idle, ...file.idle }
  if (idle.hangUpAfter <= idle.after) {
    report(from.place(["idle"], "key"), `"idle.hangUpAfter" (${idle.hangUpAfter} ms) must be longer than "idle.after" (${idle.after} ms): both count from the same moment.`)
  }

  const fillers = ((): Fillers | undefined => {
    if (file.fillers === undefined) return undefined
    const { after = Defaults.fillersAfter, lines = isForeign ? [] : standard.fillers } = file.fillers
    if (new Set(lines).size < 2 && !leftOut.has("fillers.lines")) {
      report(
        from.place(["fillers", "lines"], "key"),
        "\"fillers.lines\" needs two different lines or more: none is said twice in a row."
      )
    }
    return { after, lines }
  })()

  const transfers = Object.entries(file.transfers ?? {})
  for (const [name] of transfers) {
    if (!namePattern.test(name)) report(from.place(["transfers", name], "key"), `A transfer's name is a lower-case letter, then letters, digits, '-' or '_'; "${name}" is none.`)
  }

  const tools = Object.entries(file.tools ?? {}).map(([name, { description, parameters = {}, repeatable = false, timeout = Defaults.toolTimeout, url }]): Tool => {
    if (!toolPattern.test(name)) report(from.place(["tools", name], "key"), `A tool's name is a letter, then letters, digits, '-' or '_'; "${name}" is none.`)
    return { name, description, parameters: { type: "object", properties: {}, ...parameters }, url: new URL(url), timeout, repeatable }
  })

  const bySlot = new Map(slots.map((slot) => [slot.name, slot]))
  const leads = isForeign ? "" : standard.leads
  const hints: RecognitionHints = {
    language,
    phrases: [
      ...new Set([
        ...script.intents.flatMap(({ phrases }) => phrases),
        ...script.intents.flatMap((intent) => fillings(intent, bySlot, leads)),
        ...yes,
        ...no,
        ...backchannels,
        ...isForeign ? [] : [...standard.greetings, ...standard.holdRequests]
      ])
    ],
    slots: Object.fromEntries(slots.map(({ name, values }) => [name, [...new Set(values.flatMap(({ ways }) => ways))]]))
  }

  const persona: AgentDefinition = {
    name: file.name,
    language,
    ...(file.region === undefined ? {} : { region: file.region }),
    ...(file.voice === undefined ? {} : { voice: file.voice }),
    instructions: file.instructions ?? Defaults.instructions,
    lines: {
      ...(isForeign ? spoken : standard.lines),
      ...file.lines,
      greeting: file.greeting?.text ?? standard.lines.greeting,
      // A foreign file has an apology of its own, which asks the caller to try again.
      notUnderstood: notUnderstood?.first ?? (isForeign ? file.lines?.apology : undefined) ?? standard.notUnderstood.first
    },
    script,
    hints,
    endpointing: { ...Defaults.endpointing, ...file.endpointing },
    interruption: { minSpeech: file.interruption?.minSpeech ?? Defaults.minSpeech, backchannels, ...(file.greeting?.interruptible === false ? { greeting: false } : {}) },
    attention: isForeign ? [] : standard.attention,
    idle,
    timeouts: { ...Defaults.timeouts, ...file.timeouts },
    ...(file.timeouts === undefined ? {} : { ownTimeouts: file.timeouts }),
    ...(fillers === undefined ? {} : { fillers }),
    ...(transfers.length === 0 ? {} : { transfers: Object.fromEntries(transfers) }),
    ...(tools.length === 0 ? {} : { tools }),
    maxDuration: Math.min(file.maxDuration ?? Defaults.maxDuration, limit)
  }

  const wordAt = (word: string): ReadonlyArray<Place> =>
    places.flatMap(({ at, text }) => {
      const found = new RegExp(`(?<![\\p{L}\\p{M}0-9'’.-])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{M}0-9'’.-])`, "u").exec(text)
      return found === null ? [] : [at(found.index)]
    })

  return { problems, persona, voiceAt: from.place(["voice"]), languageAt: from.place(["language"]), wordAt }
}

const isFlawed = (section: unknown, key: string): boolean => isObject(section) && Object.hasOwn(section, key)
