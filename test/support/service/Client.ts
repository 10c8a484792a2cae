/**
 * An HTTP client for tests: sends a request and reads the parts of its answer.
 */
import { Effect } from "effect"

export interface Options {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** The encoded query, without the `?`. */
  readonly query?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** `content-type` without its parameters. */
  readonly contentType: string
  readonly text: string
  /** The body, when it is JSON of any kind. */
  readonly json: unknown
  /** The body as a problem document; empty fields when it is none. */
  readonly problem: Problem
}

export interface Problem {
  /** The rule that refused a number. */
  readonly rule?: string
  /** The last part of `type`. */
  readonly name: string
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly twilio_code?: number
  readonly retry_after?: number
}

const noProblem: Problem = { name: "", type: "", title: "", status: 0, detail: "" }

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const ask = (url: string, options: Options = {}): Effect.Effect<Answer> =>
  Effect.promise(async (signal) => {
    const { query: _, ...init } = options
    const response = await fetch(url, { ...init, redirect: "manual", signal } as RequestInit)
    const text = await response.text()
    const contentType = (response.headers.get("content-type") ?? "").split(";", 1)[0]
    const json = contentType.endsWith("json") ? parse(text) : undefined
    const problem = contentType === "application/problem+json" ? { ...noProblem, ...json as Partial<Problem> } : noProblem
    return {
      status: response.status,
      headers: response.headers,
      contentType,
      text,
      json,
      problem: { ...problem, name: problem.type.slice(problem.type.lastIndexOf(":") + 1) }
    }
  })

/** The sum of a metric's series whose labels include these. */
export type Metrics = (name: string, labels?: Readonly<Record<string, string>>) => number

export const parseMetrics = (text: string): Metrics => {
  const series = text.split("\n").flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (match === null) return []
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
    return [{ name: match[1], labels, value: Number(match[3]) }]
  })
  return (name, labels = {}) =>
    series
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0)
}
