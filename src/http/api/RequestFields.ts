/**
 * Refuses a request with a field that its endpoint does not have, or with the same field twice. Also refuses JSON that can't be kept as it is:
 * nested too deeply, or with an integer that has too many digits for JavaScript.
 *
 * A call can't be undone once the phone has rung. With a misspelt field such as `{"agnet":"sales"}`, the wrong agent would speak. The check
 * covers the query and a JSON body at every depth, and one answer names all wrong fields. The known fields are those of the endpoint's
 * schemas.
 */
import { Effect, Layer, Metric, Result, Schema, SchemaAST } from "effect"
import { HttpMethod, HttpServerRequest } from "effect/http"
import { type HttpApiEndpoint, HttpApiMiddleware } from "effect/http-api"
import { nearest } from "../../domain/DidYouMean.ts"
import * as Metrics from "../../observability/Metrics.ts"
import { InvalidRequest, nameOf, PayloadTooLarge } from "./Problems.ts"
import * as RequestBody from "./RequestBody.ts"

/** How many problems an answer spells out. Of the others, it gives only the number. */
const maxProblems = 20

/** Control characters, and every space except U+0020. */
const invisible = /[^\P{C}]|[^\P{Z} ]/gu

/** A client's field name, quoted and shortened, with invisible characters as their code points. */
const quote = (name: string) =>
  JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
    .replaceAll(invisible, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`)

const unknownField = (name: string, where: string, known: ReadonlyArray<string>): string => {
  const meant = nearest(name.normalize("NFKC").replaceAll(invisible, ""), known)
  const hint = meant !== undefined
    ? `Did you mean ${quote(meant)}?`
    : known.length === 0
    ? "It takes none."
    : `It takes: ${known.join(", ")}.`
  return `The ${where} has no field ${quote(name)}. ${hint}`
}

const repeatedField = (name: string, where: string) => `The field ${quote(name)} is in the ${where} more than once. Send it once.`

/** The members of a union type, or the type behind a lazy type. */
const alternatives = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  SchemaAST.isUnion(ast) ? ast.types.flatMap(alternatives) : SchemaAST.isSuspend(ast) ? alternatives(ast.thunk()) : [ast]

/** Families of names that an object type accepts, such as `metadata.KEY`. */
const familiesOf = (types: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<SchemaAST.TemplateLiteral> =>
  types.flatMap((type) => SchemaAST.isObjects(type) ? type.indexSignatures.flatMap(({ parameter }) => SchemaAST.isTemplateLiteral(parameter) ? [parameter] : []) : [])

const belongs = (name: string, family: SchemaAST.TemplateLiteral): boolean => {
  const [prefix] = family.parts
  return SchemaAST.isLiteral(prefix) && name.startsWith(String(prefix.literal))
}

/** How an error text names a family: `metadata.KEY`. */
const familyText = ({ parts: [prefix] }: SchemaAST.TemplateLiteral): string => SchemaAST.isLiteral(prefix) ? `${String(prefix.literal)}KEY` : "KEY"

/** The fields of object types by their names. `undefined` if one of the types accepts any name. */
const fieldsOf = (types: ReadonlyArray<SchemaAST.AST>): ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>> | undefined => {
  const fields = new Map<string, ReadonlyArray<SchemaAST.AST>>()
  for (const type of types) {
    if (!SchemaAST.isObjects(type)) continue
    if (type.indexSignatures.some(({ parameter }) => !SchemaAST.isTemplateLiteral(parameter))) return undefined
    for (const { name, type: field } of type.propertySignatures) {
      if (typeof name === "string") fields.set(name, [...fields.get(name) ?? [], ...alternatives(field)])
    }
  }
  return fields
}

/** A sentence for each unknown field name in a value that should be of one of these types. `path` is empty for the whole body. */
const unknownFieldsIn = (types: ReadonlyArray<SchemaAST.AST>, value: unknown, path: string): ReadonlyArray<string> => {
  if (Array.isArray(value)) {
    const items = types.flatMap((type) => SchemaAST.isArrays(type) ? [...type.elements, ...type.rest].flatMap(alternatives) : [])
    return items.length === 0 ? [] : value.flatMap((item, index) => unknownFieldsIn(items, item, `${path}[${index}]`))
  }
  if (typeof value !== "object" || value === null || !types.some(SchemaAST.isObjects)) return []
  const fields = fieldsOf(types)
  if (fields === undefined) return []
  const where = path === "" ? "body" : `body's ${quote(path)}`
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = fields.get(name)
    return field === undefined
      ? [unknownField(name, where, [...fields.keys()])]
      : unknownFieldsIn(field, inner, path === "" ? name : `${path}.${name}`)
  })
}

/** Integers of this JSON text that JavaScript rounds, such as 64-bit identifiers: 12345678901234567890 would become 12345678901234567000. */
const roundedIntegers = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g)].flatMap(([token]) => token.startsWith("\"") || String(Number(token)) === token ? [] : [token])

const roundedInteger = (token: string): string => `The number ${token.length > 40 ? `${token.slice(0, 40)}…` : token} has too many digits to be kept exactly. Send it as text, in quotes.`

/** Names that an object in this JSON text has more than once. `JSON.parse` silently keeps the last one. The text must be valid JSON. */
const repeatedNames = (text: string): ReadonlyArray<string> => {
  const found = new Set<string>()
  // One entry for each object or array that is open; an array has no names.
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

const encodedTypes = (schema: Schema.Top) => alternatives(SchemaAST.toEncoded(schema.ast))

/** A sentence for each wrong field name of a query. Without a schema the query has no fields. Exported for tests. */
export const problemsOfQuery = (query: Schema.Top | undefined, parameters: URLSearchParams): ReadonlyArray<string> => {
  const types = query === undefined ? [] : encodedTypes(query)
  const fields = fieldsOf(types)
  if (fields === undefined) return []
  const families = familiesOf(types)
  return [...new Set(parameters.keys())].flatMap((name) => {
    const field = fields.get(name)
    if (field === undefined && !families.some((family) => belongs(name, family))) {
      return [unknownField(name, "query", [...fields.keys(), ...families.map(familyText)])]
    }
    return parameters.getAll(name).length > 1 && field?.some(SchemaAST.isArrays) !== true ? [repeatedField(name, "query")] : []
  })
}

/** A sentence for each wrong field name of a JSON body, and for what can't be kept as it is. Without schemas the body has no fields. Exported for tests. */
export const problemsOfBody = (payloads: ReadonlyArray<Schema.Top>, text: string): ReadonlyArray<string> => {
  const body = RequestBody.parse(text)
  // The endpoint itself refuses a body that is not JSON.
  if (Result.isFailure(body)) return body.failure.why === "tooDeep" ? [body.failure.message] : []
  if (RequestBody.isEmpty(body.success)) return []
  const types = payloads.length === 0 ? encodedTypes(Schema.Struct({})) : payloads.flatMap(encodedTypes)
  return [
    ...unknownFieldsIn(types, body.success, ""),
    ...repeatedNames(text).map((name) => repeatedField(name, "body")),
    ...roundedIntegers(text).map(roundedInteger)
  ]
}

const payloadsOf = (endpoint: HttpApiEndpoint.Top): ReadonlyArray<Schema.Top> =>
  [...endpoint.payload.values()].flatMap(({ encoding, schemas }) => encoding._tag === "Json" ? [...schemas] : [])

const queryOf = (request: HttpServerRequest.HttpServerRequest): URLSearchParams => {
  const at = request.url.indexOf("?")
  return new URLSearchParams(at < 0 ? "" : request.url.slice(at + 1))
}

/**
 * The check as a middleware. The API key is checked before, so a client without the key learns nothing about the fields.
 *
 * The fields of `/health`, `/ready`, `/metrics` and `/docs` are not checked: a probe may add a parameter to avoid caches, and must not fail
 * because of it.
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
          Metric.update(Metrics.apiRefused(nameOf(problem)), 1),
          Effect.fail(problem)
        )
      const text = HttpMethod.hasBody(request.method) ? yield* Effect.catch(RequestBody.readText(request), refuse) : ""
      const problems = [...problemsOfBody(payloadsOf(endpoint), text), ...problemsOfQuery(endpoint.query, queryOf(request))]
      if (problems.length === 0) return yield* httpEffect
      const moreProblems = problems.length - maxProblems
      const detail = problems.slice(0, maxProblems).join(" ") + (moreProblems > 0 ? ` And ${moreProblems} more.` : "")
      return yield* refuse(new InvalidRequest({ detail }))
    }))
  )
}
