/**
 * An agent as the operator names it: by its name, or by the path of its file; and the agents of called numbers.
 */
import { Option, Result, Schema } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import * as PhoneNumbers from "../domain/PhoneNumber.ts"
import { PhoneNumber } from "../domain/PhoneNumber.ts"

/** `path`: as it was written, so a relative path begins where the service was started. */
export const AgentChoice = Schema.Union([
  Schema.TaggedStruct("Named", { name: AgentName }),
  Schema.TaggedStruct("File", { path: Schema.String })
])
export type AgentChoice = typeof AgentChoice.Type

/** The agent that answers calls to a number. */
export const AgentNumber = Schema.Struct({ number: PhoneNumber, agent: AgentChoice })
export type AgentNumber = typeof AgentNumber.Type

const isAgentName = Schema.is(AgentName)

/** Text with a slash or `.yaml` is a path; a name can hold neither. */
export const read = (text: string): Option.Option<AgentChoice> => {
  const choice = text.trim()
  if (/[\\/]|\.ya?ml$/i.test(choice)) return Option.some({ _tag: "File", path: choice })
  return isAgentName(choice) ? Option.some({ _tag: "Named", name: choice }) : Option.none()
}

export const write = (choice: typeof AgentChoice.Encoded): string => choice._tag === "Named" ? choice.name : choice.path

/**
 * `+14155550100=receptionist`. A SIP address and a path may both hold an `=`, so the first `=` with a number before it and an
 * agent behind it counts. The failure is a clause.
 */
const readAgentNumber = (entry: string): Result.Result<AgentNumber, string> => {
  const first = entry.indexOf("=")
  if (first < 0) return Result.fail("has no = between number and agent")
  let hasNumber = false
  for (let at = first; at >= 0; at = entry.indexOf("=", at + 1)) {
    const number = PhoneNumbers.parseAddress(entry.slice(0, at))
    if (Option.isNone(number)) continue
    hasNumber = true
    const agent = read(entry.slice(at + 1))
    if (Option.isSome(agent)) return Result.succeed({ number: number.value, agent: agent.value })
  }
  if (hasNumber) return Result.fail("names no agent behind the =")
  const oddity = PhoneNumbers.read(entry.slice(0, first))
  return Result.fail(`has a number that ${Result.isFailure(oddity) ? oddity.failure : "is none"}`)
}

/** The agents of called numbers, or a clause about the first entry that is wrong. */
export const readNumbers = (entries: ReadonlyArray<string>): Result.Result<ReadonlyArray<AgentNumber>, string> => {
  const numbers: Array<AgentNumber> = []
  for (const [index, entry] of entries.entries()) {
    const parsed = readAgentNumber(entry)
    if (Result.isFailure(parsed)) return Result.fail(`entry ${index + 1} ${parsed.failure}`)
    const same = numbers.findIndex(({ number }) => number === parsed.success.number)
    if (same >= 0) return Result.fail(`entries ${same + 1} and ${index + 1} have the same number`)
    numbers.push(parsed.success)
  }
  return Result.succeed(numbers)
}
