/**
 * The settings of an agent file that have checks of their own: idle times, fillers, transfers and tools.
 */
import type { AgentDefinition, Fillers, Idle, Tool } from "../../../definition/AgentDefinition.ts"
import * as Defaults from "../Defaults.ts"
import { type Compilation, isName } from "./Compilation.ts"

const toolName = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/

export const compileIdle = ({ content, problems }: Compilation): Idle => {
  const idle = { ...Defaults.idle, ...content.idle }
  if (idle.hangUpAfter <= idle.after) {
    problems.atKey(
      ["idle"],
      `"idle.hangUpAfter" (${idle.hangUpAfter} ms) must be longer than "idle.after" (${idle.after} ms): `
        + "both are counted from the beginning of the same silence."
    )
  }
  return idle
}

/** `undefined`: the file has no key `fillers`, so the agent says no fillers. */
export const compileFillers = ({ content, defaults, hasDefaults, isLeftOut, problems }: Compilation): Fillers | undefined => {
  if (content.fillers === undefined) return undefined
  const { after = Defaults.fillersAfter, lines = hasDefaults ? defaults.fillers : [] } = content.fillers
  if (new Set(lines).size < 2 && !isLeftOut(["fillers", "lines"])) {
    problems.atKey(["fillers", "lines"], "\"fillers.lines\" needs two different lines or more, because no filler is said twice in a row.")
  }
  return { after, lines }
}

export const compileTransfers = ({ content: { transfers = {} }, problems }: Compilation): NonNullable<AgentDefinition["transfers"]> => {
  for (const name of Object.keys(transfers)) {
    if (isName(name)) continue
    problems.atKey(["transfers", name], `"${name}" can't be a transfer's name. Write a lower-case letter, then letters, digits, '-' or '_'.`)
  }
  return transfers
}

export const compileTools = ({ content, problems }: Compilation): ReadonlyArray<Tool> =>
  Object.entries(content.tools ?? {}).map(([name, { description, parameters = {}, repeatable = false, timeout = Defaults.toolTimeout, url }]) => {
    if (!toolName.test(name)) problems.atKey(["tools", name], `"${name}" can't be a tool's name. Write a letter, then letters, digits, '-' or '_'.`)
    return { name, description, parameters: { type: "object", properties: {}, ...parameters }, url: new URL(url), timeout, repeatable }
  })
