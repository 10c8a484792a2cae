/**
 * The configuration of the service: all settings. An environment variable takes precedence over the same variable in `.env`.
 *
 * `variables/Variables.ts` lists every variable. `.env.example` explains each variable to the operator.
 */
import { Array, ConfigProvider, Context, Data, Effect, Layer, Option, Result } from "effect"
import * as Contradictions from "./Contradictions.ts"
import * as Environment from "./Environment.ts"
import { type Settings, toSettings } from "./Settings.ts"
import { engineListProblems } from "./variables/EngineVariables.ts"
import { bucketProblems } from "./variables/RecordingVariables.ts"
import { accountProblems } from "./variables/TwilioVariables.ts"
import { load, type Variable } from "./variables/Variable.ts"
import { names, type Values, variables } from "./variables/Variables.ts"

/** The configuration is wrong. `lines` has one line about each problem, for the operator and without secrets. */
class InvalidConfig extends Data.TaggedError("InvalidConfig")<{
  readonly lines: Array.NonEmptyReadonlyArray<string>
}> {
  override get message() {
    return this.lines.join("\n")
  }
}

const loadAll = Effect.gen(function*() {
  const problems: Array<string> = []
  const values: Record<string, unknown> = {}
  for (const [name, variable] of Object.entries<Variable<unknown>>(variables)) {
    const loaded = yield* Effect.result(load(name, variable))
    if (Result.isFailure(loaded)) problems.push(loaded.failure.line)
    else values[name] = "fallback" in variable ? Option.getOrElse(loaded.success, () => variable.fallback) : loaded.success
  }
  return Array.isArrayNonEmpty(problems) ? yield* new InvalidConfig({ lines: problems }) : values as Values
})

/** The names of all variables that have a value, including those of other programs. Empty if the variables can't be listed. */
const givenNames = Effect.gen(function*() {
  return yield* Environment.namesOf(yield* ConfigProvider.ConfigProvider)
}).pipe(Effect.orElseSucceed(() => []))

export class AppConfig extends Context.Service<AppConfig, Settings & {
  /** Lines to log at the start. Each is about a variable that has no effect, or an effect that the operator probably did not intend. */
  readonly warnings: ReadonlyArray<string>
}>()("client-caller/config/AppConfig") {
  /** Reads every variable, and reports all wrong variables at once. */
  static readonly layer: Layer.Layer<AppConfig, InvalidConfig> = Layer.effect(
    AppConfig,
    Effect.gen(function*() {
      const values = yield* loadAll
      const settings = toSettings(values)
      const problems = [...accountProblems(values), ...bucketProblems(values), ...engineListProblems(values), ...Contradictions.problems(settings)]
      if (Array.isArrayNonEmpty(problems)) return yield* new InvalidConfig({ lines: problems })
      return { ...settings, warnings: Contradictions.warnings(settings, yield* givenNames, names) }
    })
  )
}
