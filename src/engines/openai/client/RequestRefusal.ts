/**
 * Recognizes errors that refuse the request although their status does not show it. A content filter may have refused the request, or the
 * context may be too long.
 *
 * Errors in the middle of a stream have no status, and some servers answer 500 to a request that they refuse. The same request would be
 * refused again, but other requests would not.
 */
import { Predicate } from "effect"

/** `type` and `code` of OpenAI, Azure, vLLM, llama.cpp, Anthropic and gateways. */
const refusalNames = new Set([
  "invalid_request_error",
  "badrequesterror",
  "invalid_prompt",
  "content_filter",
  "content_filter_error",
  "content_policy_violation",
  "contentpolicyviolationerror",
  "responsibleaipolicyviolation",
  "context_length_exceeded",
  "contextwindowexceedederror",
  "exceed_context_size_error",
  "string_above_max_length",
  "request_too_large",
  "unprocessableentityerror"
])

const refusalWords = /content[_ ](?:filter|(?:management )?policy)|safety (?:system|filter)|maximum context length|(?:exceeds?|larger than|too long for) the (?:available |model'?s )?context|context (?:size|length|window) (?:exceeded|has been exceeded)/i

/** The most levels of errors within errors that are read. */
const maxDepth = 4

/** Whether the error, or an error within it, refuses the request. Gateways wrap the errors of the servers behind them. */
const refuses = (body: unknown, depth: number): boolean => {
  if (Predicate.isString(body)) return refusalWords.test(body)
  if (!Predicate.isObject(body) || depth > maxDepth) return false
  const { code, detail, error, innererror, message, type } = body as { readonly [key: string]: unknown }
  if ([code, type].some((name) => Predicate.isString(name) && refusalNames.has(name.toLowerCase()))) return true
  return [message, error, innererror, detail].some((inner) => refuses(inner, depth + 1))
}

/**
 * Whether the error refuses the request although its status does not show it. `status`: 0 if there is none. The body is read only for 0
 * and 500, because any other status is reliable.
 */
export const isRefusal = (status: number, body: unknown): boolean => (status === 0 || status === 500) && refuses(body, 0)
