/**
 * Nobody's field is silently ignored: a request with a field that its endpoint does not have is refused.
 *
 * `{"agnet":"sales"}` would otherwise ring a phone for the wrong agent, and a call can't be taken back. The rule, for the
 * query and for a JSON body: each name is one of the endpoint's schema, at any depth, and stands there once. All names
 * that break it are told in one answer. What the schemas know is what is taken; nothing is listed here.
 */
import { Effect, Layer, Metric, Result, Schema, SchemaAST } from "effect"
import { HttpMethod, HttpServerRequest } from "effect/http"
import { type HttpApiEndpoint, HttpApiMiddleware } from "effect/http-api"
import { nearest } from "../../domain/DidYouMean.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { InvalidRequest, PayloadTooLarge } from "./Problems.ts"

/** More problems than these are only counted in the answer. */
const maxProblems = 20

const invisible = /[^\P{C}]|[^\P{Z} ]/gu

/** A client's name as it may be shown: short, with what can't be seen as its code point. */
const shown = (name: string) =>
  JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
    .replaceAll(invisible, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`)

const unknown = (name: string, where: string, known: ReadonlyArray<string>): string => {
  const meant = nearest(name.normalize("NFKC").replaceAll(invisible, ""), known)
  const hint = meant !== undefined
    ? `Did you mean ${shown(meant)}?`
    : known.length === 0
    ? "It takes none."
    : `It takes: ${known.join(", ")}.`
  return `The ${where} has no field ${shown(name)}. ${hint}`
}

const repeated = (name: string, where: string) => `The field ${shown(name)} is in the ${where} more than once. Send it once.`

/** The alternatives of a type: the members of a union, and what a lazy type stands for. */
const alternatives = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  SchemaAST.isUnion(ast) ? ast.types.flatMap(alternatives) : SchemaAST.isSuspend(ast) ? alternatives(ast.thunk()) : [ast]

/** The fields of objects by their names; `undefined` where one of them takes any name. */
const fieldsOf = (types: ReadonlyArray<SchemaAST.AST>): ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>> | undefined => {
  const fields = new Map<string, ReadonlyArray<SchemaAST.AST>>()
  for (const type of types) {
    if (!SchemaAST.isObjects(type)) continue
    if (type.indexSignatures.length > 0) return undefined
    for (const { name, type: field } of type.propertySignatures) {
      if (typeof name === "string") fields.set(name, [...fields.get(name) ?? [], ...alternatives(field)])
    }
  }
  return fields
}

/** What is wrong with the names in a value of one of these types. */
const namesIn = (types: ReadonlyArray<SchemaAST.AST>, value: unknown, path: string): ReadonlyArray<string> => {
  if (Array.isArray(value)) {
    const items = types.flatMap((type) => SchemaAST.isArrays(type) ? [...type.elements, ...type.rest].flatMap(alternatives) : [])
    return items.length === 0 ? [] : value.flatMap((item, index) => namesIn(items, item, `${path}[${index}]`))
  }
  if (typeof value !== "object" || value === null || !types.some(SchemaAST.isObjects)) return []
  const fields = fieldsOf(types)
  if (fields === undefined) return []
  const where = path === "" ? "body" : `body's ${shown(path)}`
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = fields.get(name)
    return field === undefined
      ? [unknown(name, where, [...fields.keys()])]
      : namesIn(field, inner, path === "" ? name : `${path}.${name}`)
  })
}

/**
 * Names that an object of this JSON text has twice. `JSON.parse` takes the last one without a word. The text must be JSON.
 */
export const repeatedNames = (text: string): ReadonlyArray<string> => {
  const found = new Set<string>()
  // One entry for each open object or array; an array has no names.
  const open: Array<{ readonly names: Set<string> | undefined; expectsName: boolean }> = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    const inner = open.at(-1)
    if (token === "{") open.push({ names: new Set(), expectsName: true })
    else if (token === "[") open.push({ names: undefined, expectsName: false })
    else if (token === "}" || token === "]") open.pop()
    else if (inner === undefined) continue
    else if (token === ",") inner.expectsName = inner.names !== undefined
    else if (token === ":") inner.expectsName = false
    else if (inner.expectsName && inner.names !== undefined) {
      const name = JSON.parse(token) as string
      if (inner.names.has(name)) found.add(name)
      inner.names.add(name)
    }
  }
  return [...found]
}

/** A body that says nothing: none at all, `null`, or an object without fields. */
export const isEmpty = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === "object" && !Array.isArray(body) && Object.keys(body).length === 0)

/** The JSON of a body; nothing for a blank one. What is no JSON fails. */
export const parseBody = (text: string): Result.Result<unknown, unknown> =>
  text.trim() === "" ? Result.succeed(undefined) : Result.try(() => JSON.parse(text.trim()) as unknown)

const encodedTypes = (schema: Schema.Top) => alternatives(SchemaAST.toEncoded(schema.ast))

/** What is wrong with the names of a query. */
export const problemsOfQuery = (query: Schema.Top | undefined, parameters: URLSearchParams): ReadonlyArray<string> => {
  const fields = fieldsOf(query === undefined ? [] : encodedTypes(query))
  if (fields === undefined) return []
  return [...new Set(parameters.keys())].flatMap((name) => {
    const field = fields.get(name)
    if (field === undefined) return [unknown(name, "query", [...fields.keys()])]
    return parameters.getAll(name).length > 1 && !field.some(SchemaAST.isArrays) ? [repeated(name, "query")] : []
  })
}

/** What is wrong with the names of a JSON body; without schemas it has no fields. */
export const problemsOfBody = (payloads: ReadonlyArray<Schema.Top>, text: string): ReadonlyArray<string> => {
  const body = parseBody(text)
  // What is no JSON at all is for the endpoint to refuse.
  if (Result.isFailure(body) || isEmpty(body.success)) return []
  const types = payloads.length === 0 ? encodedTypes(Schema.Struct({})) : payloads.flatMap(encodedTypes)
  return [...namesIn(types, body.success, ""), ...repeatedNames(text).map((name) => repeated(name, "body"))]
}

const payloadsOf = (endpoint: HttpApiEndpoint.Top): ReadonlyArray<Schema.Top> =>
  [...endpoint.payload.values()].flatMap(({ encoding, schemas }) => encoding._tag === "Json" ? [...schemas] : [])

export const queryOf = (request: HttpServerRequest.HttpServerRequest): URLSearchParams => {
  const at = request.url.indexOf("?")
  return new URLSearchParams(at < 0 ? "" : request.url.slice(at + 1))
}

/** The body's text, or the refusal of one that is too large. */
export const readText = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.mapError(request.text, () => new PayloadTooLarge({ detail: "The body of this request may have 64 KiB." }))

/**
 * The rule as a middleware. It stands inside that of the API key, so that a stranger is told nothing of the API's fields.
 *
 * `/health`, `/ready`, `/metrics` and `/docs` go without it: a probe's cache-buster must not take the service out.
 */
export class RequestFields extends HttpApiMiddleware.Service<RequestFields>()("client-caller/http/api/RequestFields", {
  error: [InvalidRequest, PayloadTooLarge]
}) {
  static readonly layer = Layer.succeed(
    RequestFields,
    RequestFields.of(Effect.fnUntraced(function*(httpEffect, { endpoint }) {
      const request = yield* HttpServerRequest.HttpServerRequest
      const refuse = (problem: InvalidRequest | PayloadTooLarge) =>
        Effect.andThen(
          Metric.update(Metrics.apiRefused(problem.type.slice(problem.type.lastIndexOf(":") + 1)), 1),
          Effect.fail(problem)
        )
      const text = HttpMethod.hasBody(request.method) ? yield* Effect.catch(readText(request), refuse) : ""
      const problems = [...problemsOfBody(payloadsOf(endpoint), text), ...problemsOfQuery(endpoint.query, queryOf(request))]
      if (problems.length === 0) return yield* httpEffect
      const rest = problems.length - maxProblems
      const detail = problems.slice(0, maxProblems).join(" ") + (rest > 0 ? ` And ${rest} more.` : "")
      return yield* refuse(new InvalidRequest({ detail }))
    }))
  )
}
