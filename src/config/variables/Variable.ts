/**
 * One environment variable: how its text is read, its default, and what the operator is told when its value is wrong.
 */
import { Config, Effect, Option, Result, Schema } from "effect"
import * as Environment from "../Environment.ts"

export interface Variable<A> {
  /** From the trimmed text of the variable. */
  readonly schema: Schema.ConstraintCodec<A, unknown>
  /** Completes the sentence "NAME must be …". */
  readonly expected: string
  readonly example: string
  /** Why a value is refused: the failure is a clause. Only where `expected` does not say it. */
  readonly why?: (value: string) => Result.Result<unknown, string>
}

export interface VariableWithDefault<A> extends Variable<A> {
  readonly fallback: A
}

/** The values of variables by their names; `None`: not set, and there is no default. */
export type ValuesOf<Variables> = {
  readonly [Name in keyof Variables]: Variables[Name] extends VariableWithDefault<infer A> ? A
    : Variables[Name] extends Variable<infer A> ? Option.Option<A>
    : never
}

/** A variable that may be left out, and then has no value. */
export const optional = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  expected: string,
  example: string,
  why?: Variable<A>["why"]
): Variable<A> => ({ schema, expected, example, ...(why === undefined ? {} : { why }) })

export const withDefault = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  fallback: A,
  expected: string,
  example: string,
  why?: Variable<A>["why"]
): VariableWithDefault<A> => ({ ...optional(schema, expected, example, why), fallback })

const secretName = /TOKEN|KEY|DATABASE/

/** Of a URL: credentials before its host, or a query or fragment that may hold a key. */
const mayHoldSecret = /[@?#]/

/** The value of a variable, or what is wrong with it: a line for the operator, without secrets. */
export const load = <A>(name: string, variable: Variable<A>): Effect.Effect<Result.Result<Option.Option<A>, string>> =>
  Effect.gen(function*() {
    const raw = Environment.trimmed(Option.getOrElse(yield* Config.option(Config.String(name)), () => ""))
    if (raw === "") return Result.succeed(Option.none<A>())
    // A variable with a `why` may hold phone numbers, which are often copied with invisible characters: it reads or explains them itself.
    const oddity = variable.why === undefined || /^["']/.test(raw) ? Environment.oddity(raw) : undefined
    if (oddity !== undefined) return Result.fail(`${name} ${oddity}.`)
    const value = yield* Effect.option(Schema.decodeUnknownEffect(variable.schema)(raw))
    if (Option.isSome(value)) return Result.succeed(value)
    const shown = secretName.test(name) || mayHoldSecret.test(raw) ? "" : `, not ${JSON.stringify(raw)}`
    const why = variable.why?.(raw)
    const because = why === undefined || Result.isSuccess(why) ? "" : ` (${why.failure})`
    return Result.fail(
      `${name} must be ${variable.expected}${shown}${because}. Set it in the environment or in .env, for example ${name}=${variable.example}`
    )
  }).pipe(Effect.orElseSucceed(() => Result.fail(`${name} could not be read. Set it in the environment or in .env.`)))
