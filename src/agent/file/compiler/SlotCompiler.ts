/**
 * Compiles the slots of an agent file: their names, their values, and the phrases for the values.
 */
import { isObject } from "../../../config/yaml/YamlSource.ts"
import type { Slot } from "../../../definition/DialogScript.ts"
import type { Compilation } from "./Compilation.ts"

const slotName = /^[a-z][a-z0-9_]{0,63}$/

/** Whether the file writes the slot's values as a plain list, in which each value is its own phrase. */
const isPlainList = ({ data }: Compilation, name: string): boolean => {
  const slots = data["slots"]
  const slot = isObject(slots) ? slots[name] : undefined
  return isObject(slot) && Array.isArray(slot["values"])
}

type SlotEntry = NonNullable<Compilation["content"]["slots"]>[string]

const compileSlot = (compilation: Compilation, name: string, { phrases: ownPhrases = [], values: entries }: SlotEntry): Slot => {
  const { phraseChecker, problems } = compilation
  const path = ["slots", name]
  if (!slotName.test(name)) problems.atKey(path, `"${name}" can't be a slot's name. Write a lower-case letter, then letters, digits or '_'.`)
  if (entries.length === 0) problems.atKey([...path, "values"], `The slot "${name}" has no values. Write at least one.`)
  const isList = isPlainList(compilation, name)
  const values = entries.map(({ value, ways }, index) => {
    if (ways.length === 0) {
      problems.atKey([...path, "values", value], `Nobody can say "${value}", because it has no phrases. Write some, or remove the value.`)
    }
    const usableWays = isList
      ? ways.filter((way) => phraseChecker.isUsableValue([...path, "values"], index, value, way))
      : phraseChecker.usablePhrases([...path, "values", value], ways, "forbidden")
    return { value, ways: usableWays }
  })
  const usablePhrases = phraseChecker.usablePhrases([...path, "phrases"], ownPhrases, "allowed")
  return { name, values, phrases: [...new Set([`{${name}}`, ...usablePhrases])] }
}

export const compileSlots = (compilation: Compilation): ReadonlyArray<Slot> =>
  Object.entries(compilation.content.slots ?? {}).map(([name, entry]) => compileSlot(compilation, name, entry))
