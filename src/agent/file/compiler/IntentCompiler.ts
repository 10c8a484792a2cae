/**
 * Compiles the intents of an agent file. Checks that callers can reach each intent, that each intent has an answer, and that the slots,
 * transfers and intents that it names exist.
 */
import type { Path } from "../../../config/yaml/YamlPlaces.ts"
import { type Intent, slotsIn } from "../../../definition/DialogScript.ts"
import { suggest } from "../../../domain/DidYouMean.ts"
import { type Compilation, isName } from "./Compilation.ts"

type IntentEntry = NonNullable<Compilation["content"]["intents"]>[string]

/** Reports a reference to an intent that does not exist. `known`: the valid names. */
export const checkIntentName = ({ problems }: Compilation, path: Path, name: string | undefined, known: ReadonlyArray<string>): void => {
  if (name !== undefined && !known.includes(name)) problems.atValue(path, `There is no intent "${name}". ${suggest(name, known)}`)
}

/** Reports slots that have no value yet when a text is spoken. `filled`: the slots that have a value by then. */
const checkSlotsInText = (
  { declared, problems }: Compilation,
  path: Path,
  text: string,
  filled: ReadonlyArray<string>,
  kind: "text" | "question"
) => {
  for (const slot of new Set(slotsIn(text))) {
    if (filled.includes(slot)) continue
    if (!declared.slots.includes(slot)) problems.atValue(path, `There is no slot "${slot}". ${suggest(slot, declared.slots)}`)
    else if (kind === "question") problems.atValue(path, `The question names {${slot}}, which is not known yet. Ask for {${slot}} in an earlier question.`)
    else problems.atValue(path, `The text names {${slot}}, which this intent does not ask for. Add "${slot}" to its "needs".`)
  }
}

/**
 * Reports an intent that callers can't reach by phrases, by digits (telephone keys) or from another intent. `followUps`: the names in `yes`,
 * `no` and `notUnderstood.next`.
 */
const checkReach = ({ isLeftOut, problems }: Compilation, name: string, entry: IntentEntry, followUps: ReadonlySet<string | undefined>) => {
  const path = ["intents", name]
  const hasPhrases = (entry.phrases ?? []).length > 0 || isLeftOut([...path, "phrases"])
  const hasDigits = entry.digits !== undefined || isLeftOut([...path, "digits"])
  if (!hasPhrases && !hasDigits && !followUps.has(name)) {
    problems.atKey(path, `No caller can reach the intent "${name}". Write "phrases" for it, or "digits".`)
  }
}

/** Checks the texts that an intent says: its questions, its confirmation and its answers. */
const checkTexts = (compilation: Compilation, name: string, entry: IntentEntry) => {
  const { declared, isLeftOut, problems } = compilation
  const path = ["intents", name]
  if (entry.answer === undefined && entry.next !== "repeat" && !isLeftOut([...path, "answer"]) && !isLeftOut([...path, "next"])) {
    problems.atKey(path, `The intent "${name}" has no answer. Write "answer", or "next: repeat".`)
  }
  const needs = Object.entries(entry.needs ?? {})
  const needed = needs.map(([slot]) => slot)
  needs.forEach(([slot, question], index) => {
    const at = [...path, "needs", slot]
    if (!declared.slots.includes(slot)) problems.atKey(at, `There is no slot "${slot}". ${suggest(slot, declared.slots)}`)
    checkSlotsInText(compilation, at, question, needed.slice(0, index), "question")
  })
  if (entry.confirm !== undefined) checkSlotsInText(compilation, [...path, "confirm"], entry.confirm, needed, "text")
  if (entry.denied !== undefined) checkSlotsInText(compilation, [...path, "denied"], entry.denied, [], "text")
  for (const answer of entry.answer ?? []) checkSlotsInText(compilation, [...path, "answer"], answer, needed, "text")
}

/** The name of the transfer that an intent makes. If the file has only one transfer, an intent need not name it. */
const transferOf = ({ declared, isLeftOut, problems }: Compilation, name: string, entry: IntentEntry): string | undefined => {
  const path = ["intents", name]
  const isTransfer = entry.next === "transfer"
  const transfer = entry.transfer ?? (isTransfer && declared.transfers.length === 1 ? declared.transfers[0] : undefined)
  if (isTransfer && transfer === undefined && !isLeftOut([...path, "transfer"])) {
    problems.atValue(
      [...path, "next"],
      declared.transfers.length === 0
        ? "There is nobody to put callers through to. Write \"transfers\", with a name and a phone number for each person."
        : `The intent does not say to whom the call is transferred. Write "transfer" with one of: ${declared.transfers.join(", ")}.`
    )
  }
  if (entry.transfer !== undefined) {
    if (!isTransfer && !isLeftOut([...path, "next"])) {
      problems.atKey([...path, "transfer"], "\"transfer\" has an effect only with \"next: transfer\". Add \"next: transfer\".")
    }
    if (!declared.transfers.includes(entry.transfer)) {
      problems.atValue([...path, "transfer"], `There is no transfer "${entry.transfer}". ${suggest(entry.transfer, declared.transfers)}`)
    }
  }
  return transfer
}

const compileIntent = (compilation: Compilation, name: string, entry: IntentEntry, known: ReadonlyArray<string>): Intent => {
  const { defaults, phraseChecker } = compilation
  const path = ["intents", name]
  checkTexts(compilation, name, entry)
  const transfer = transferOf(compilation, name, entry)
  checkIntentName(compilation, [...path, "yes"], entry.yes, known)
  checkIntentName(compilation, [...path, "no"], entry.no, known)
  return {
    name,
    phrases: phraseChecker.usablePhrases([...path, "phrases"], entry.phrases ?? [], "allowed"),
    ...(entry.digits === undefined ? {} : { digits: entry.digits }),
    needs: Object.entries(entry.needs ?? {}).map(([slot, ask]) => ({ slot, ask })),
    ...(entry.confirm === undefined ? {} : { confirm: entry.confirm, denialReply: entry.denied ?? defaults.denialReply }),
    answers: entry.answer ?? [],
    ...(entry.yes === undefined ? {} : { yes: entry.yes }),
    ...(entry.no === undefined ? {} : { no: entry.no }),
    after: entry.next ?? "listen",
    ...(transfer === undefined ? {} : { transfer })
  }
}

interface CompiledIntents {
  /** The file's own intents, followed by the default intents that the file does not replace. */
  readonly intents: ReadonlyArray<Intent>
  /** The names of all intents, also of intents with problems. `yes`, `no` and `notUnderstood.next` may contain them. */
  readonly names: ReadonlyArray<string>
}

export const compileIntents = (compilation: Compilation): CompiledIntents => {
  const { content, declared, defaults, hasDefaults, problems } = compilation
  const entries = Object.entries(content.intents ?? {})
  const defaultIntents = hasDefaults ? defaults.intents.filter(({ name }) => !declared.intents.includes(name)) : []
  const names = [...declared.intents, ...defaultIntents.map(({ name }) => name)]
  const followUps = new Set(entries.flatMap(([, entry]) => [entry.yes, entry.no]).concat(content.notUnderstood?.next))
  const intentOfDigits = new Map<string, string>()
  const intents = entries.map(([name, entry]) => {
    if (!isName(name)) {
      problems.atKey(["intents", name], `"${name}" can't be an intent's name. Write a lower-case letter, then letters, digits, '-' or '_'.`)
    }
    checkReach(compilation, name, entry, followUps)
    if (entry.digits !== undefined) {
      const other = intentOfDigits.get(entry.digits)
      if (other !== undefined) {
        problems.atValue(["intents", name, "digits"], `The digits "${entry.digits}" already choose the intent "${other}". Use other digits.`)
      }
      intentOfDigits.set(entry.digits, name)
    }
    return compileIntent(compilation, name, entry, names)
  })
  return { intents: [...intents, ...defaultIntents], names }
}
