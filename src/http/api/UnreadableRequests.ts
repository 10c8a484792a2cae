/**
 * Answers a request whose path, headers or query do not fit the endpoint. The answer is a problem document that names the wrong part;
 * Effect's own answer says only that the validation failed.
 */
import { Effect, Metric, SchemaIssue } from "effect"
import { HttpApiMiddleware } from "effect/http-api"
import * as Metrics from "../../observability/Metrics.ts"
import { Failed, InvalidRequest, nameOf } from "./Problems.ts"

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** `"callSid" must be a Twilio call SID: CA and 32 hexadecimal digits.` */
const sentence = ({ message, path = [] }: { readonly message: string; readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined }): string => {
  const names = path.map((part) => String(typeof part === "object" ? part.key : part))
  const name = names.length === 0 ? "" : `"${names.join(".")}" `
  const must = message.replace(/^Expected /, "must be ").replaceAll(/\s+/g, " ")
  return `${name}${must}.`
}

export class UnreadableRequests extends HttpApiMiddleware.Service<UnreadableRequests>()("client-caller/http/api/UnreadableRequests", {
  error: [InvalidRequest, Failed]
}) {
  static readonly layer = HttpApiMiddleware.layerSchemaErrorTransform(UnreadableRequests, (error) => {
    // `Body` is the response's body; a request's body is `Payload`. A mistake in our own response is a defect.
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.die(error)
    const problem = new InvalidRequest({ detail: issuesOf(error.cause.issue).issues.map(sentence).join(" ") })
    return Effect.andThen(Metric.update(Metrics.apiRefused(nameOf(problem)), 1), Effect.fail(problem))
  })
}
