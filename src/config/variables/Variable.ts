/**
 * One environment variable: how its text is read, its default, and the error text for a wrong value.
 */
import { Config, Data, Effect, Option, Schema } from "effect"
import * as Environment from "../Environment.ts"

export interface Variable<A> {
  /** Decodes the trimmed text of the variable. */
  readonly schema: Schema.ConstraintCodec<A, unknown>
  /** Completes the sentence "NAME must be …". */
  readonly expected: string
  readonly example: string
  /** A clause that says why a value is refused, if `expected` does not say it. The clause must not contain a secret or a phone number. */
  readonly explain?: (value: string) => Option.Option<string>
}

interface VariableWithDefault<A> extends Variable<A> {
  readonly fallback: A
}

/** The values of variables by their names; `None` for a variable that is not set and has no default. */
export type ValuesOf<Variables> = {
  readonly [Name in keyof Variables]: Variables[Name] extends VariableWithDefault<infer A> ? A
    : Variables[Name] extends Variable<infer A> ? Option.Option<A>
    : never
}

/** A variable without a default. */
export const optional = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  expected: string,
  example: string,
  explain?: Variable<A>["explain"]
): Variable<A> => ({ schema, expected, example, ...(explain === undefined ? {} : { explain }) })

export const withDefault = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  fallback: A,
  expected: string,
  example: string,
  explain?: Variable<A>["explain"]
): VariableWithDefault<A> => ({ ...optional(schema, expected, example, explain), fallback })

/** The values of these variables are never shown. `WEBHOOK_URL` is one of them, since a webhook's path may be a secret. */
const secretName = /TOKEN|KEY|SECRET|DATABASE|WEBHOOK_URL/

/** A value with one of these characters is never shown: a URL may have credentials before its host, or a key in its query or fragment. */
const mayHoldSecret = /[@?#]/

/** A variable can't be used. `line` tells the operator why, without secrets. */
class InvalidVariable extends Data.TaggedError("InvalidVariable")<{ readonly line: string }> {
  override get message() {
    return this.line
  }
}

/** The value of a variable. `None`: the variable is not set. */
export const load = Effect.fnUntraced(function*<A>(name: string, variable: Variable<A>): Effect.fn.Return<Option.Option<A>, InvalidVariable> {
  const given = yield* Effect.mapError(
    Config.option(Config.String(name)),
    () => new InvalidVariable({ line: `${name} could not be read. Set it in the environment or in .env.` })
  )
  const raw = Environment.trim(Option.getOrElse(given, () => ""))
  if (raw === "") return Option.none()
  // A variable with `explain` may contain phone numbers. People often copy these with invisible characters, so the value may have some.
  const oddity = variable.explain === undefined || /^["']/.test(raw) ? Environment.oddity(raw) : undefined
  if (oddity !== undefined) return yield* new InvalidVariable({ line: `${name} ${oddity}.` })
  const value = yield* Effect.option(Schema.decodeUnknownEffect(variable.schema)(raw))
  if (Option.isSome(value)) return value
  const shown = secretName.test(name) || mayHoldSecret.test(raw) ? "" : `, not ${JSON.stringify(raw)}`
  const why = Option.match(variable.explain?.(raw) ?? Option.none(), { onNone: () => "", onSome: (clause) => ` (${clause})` })
  return yield* new InvalidVariable({
    line: `${name} must be ${variable.expected}${shown}${why}. Set it in the environment or in .env, for example ${name}=${variable.example}`
  })
})
