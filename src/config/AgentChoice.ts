/**
 * How the operator chooses an agent: by its name or by the path of its file, for all calls or for the calls to one number.
 */
import { Data, Option, Result, Schema } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import * as PhoneNumbers from "../domain/PhoneNumber.ts"
import { PhoneNumber } from "../domain/PhoneNumber.ts"

/** `path` is the setting's text. A relative path starts at the working directory of the service. */
export const AgentChoice = Schema.Union([
  Schema.TaggedStruct("Named", { name: AgentName }),
  Schema.TaggedStruct("File", { path: Schema.String })
])
export type AgentChoice = typeof AgentChoice.Type

/** The agent that answers calls to a number. */
export const AgentNumber = Schema.Struct({ number: PhoneNumber, agent: AgentChoice })
export type AgentNumber = typeof AgentNumber.Type

const isAgentName = Schema.is(AgentName)

/** Text with a slash or backslash, or with `.yaml` or `.yml` at its end, is a path, since a name can't have these. */
export const read = (text: string): Option.Option<AgentChoice> => {
  const choice = text.trim()
  if (/[\\/]|\.ya?ml$/i.test(choice)) return Option.some({ _tag: "File", path: choice })
  return isAgentName(choice) ? Option.some({ _tag: "Named", name: choice }) : Option.none()
}

export const write = (choice: typeof AgentChoice.Encoded): string => choice._tag === "Named" ? choice.name : choice.path

/** An entry of `AGENT_NUMBERS` can't be read. `why` is a clause that names the entry by its position. It does not contain the telephone number. */
class NotAnAgentNumber extends Data.TaggedError("NotAnAgentNumber")<{ readonly why: string }> {
  override get message() {
    return `In AGENT_NUMBERS, ${this.why}. Write entries such as +14155550100=receptionist.`
  }
}

/**
 * Reads `+14155550100=receptionist`. A SIP address and a path may contain `=`. So the entry is split at the first `=` that has a number before
 * it and an agent after it.
 */
const readAgentNumber = (entry: string, position: number): Result.Result<AgentNumber, NotAnAgentNumber> => {
  const refuse = (why: string) => Result.fail(new NotAnAgentNumber({ why: `entry ${position} ${why}` }))
  const first = entry.indexOf("=")
  if (first < 0) return refuse("has no = between number and agent")
  let hasNumber = false
  for (let at = first; at >= 0; at = entry.indexOf("=", at + 1)) {
    const number = PhoneNumbers.parseAddress(entry.slice(0, at))
    if (Option.isNone(number)) continue
    hasNumber = true
    const agent = read(entry.slice(at + 1))
    if (Option.isSome(agent)) return Result.succeed({ number: number.value, agent: agent.value })
  }
  if (hasNumber) return refuse("names no agent after the =")
  const number = PhoneNumbers.read(entry.slice(0, first))
  return refuse(`has a number that ${Result.isFailure(number) ? number.failure.why : "is not a phone number"}`)
}

/** The agents of called numbers. Fails at the first entry that can't be read, or that repeats a number. */
export const readNumbers = (entries: ReadonlyArray<string>): Result.Result<ReadonlyArray<AgentNumber>, NotAnAgentNumber> => {
  const numbers: Array<AgentNumber> = []
  for (const [index, entry] of entries.entries()) {
    const parsed = readAgentNumber(entry, index + 1)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    const sameAt = numbers.findIndex(({ number }) => number === parsed.success.number)
    if (sameAt >= 0) return Result.fail(new NotAnAgentNumber({ why: `entries ${sameAt + 1} and ${index + 1} have the same number` }))
    numbers.push(parsed.success)
  }
  return Result.succeed(numbers)
}
