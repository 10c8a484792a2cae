/**
 * Checks the API key of a request, and slows down an address that sends many wrong keys ({@link KeyGuesses}).
 */
import { Clock, Effect, Layer, Metric, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { createHash, timingSafeEqual } from "node:crypto"
import { Credentials } from "../../../config/Credentials.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import * as SampledLog from "../../../observability/SampledLog.ts"
import { PublicUrl } from "../../connections/PublicUrl.ts"
import * as Problems from "../Problems.ts"
import { withHeader } from "../ResponseHeader.ts"
import { ApiKey } from "./ApiKey.ts"
import { KeyGuesses } from "./KeyGuesses.ts"

const digest = (text: string) => createHash("sha256").update(text).digest()

export const layer = Layer.effect(
  ApiKey,
  Effect.gen(function*() {
    const { apiKey } = yield* Credentials
    const publicUrl = yield* PublicUrl
    const refusalLog = yield* SampledLog.make
    const guesses = new KeyGuesses()
    const expectedDigest = digest(Redacted.value(apiKey))

    const refuse = Effect.fnUntraced(function*(request: HttpServerRequest.HttpServerRequest, isEmpty: boolean) {
      const nowMillis = Number(yield* Clock.monotonicTimeNanos) / 1e6
      // An empty key is not a guess.
      const waitMillis = isEmpty ? 0 : guesses.countWrongKey(Option.getOrElse(publicUrl.clientAddress(request), () => ""), nowMillis)
      yield* Metric.update(Metrics.apiRefused(waitMillis > 0 ? "too-many-wrong-keys" : "unauthorized"), 1)
      yield* refusalLog.write("key", Effect.logWarning("A request to the API was refused: its key is missing or wrong"))
      if (waitMillis === 0) {
        yield* withHeader("www-authenticate", "Bearer")
        return yield* new Problems.Unauthorized({ detail: "Send the API key as: Authorization: Bearer <API_KEY>" })
      }
      const retryAfterSeconds = Math.ceil(waitMillis / 1000)
      yield* withHeader("retry-after", `${retryAfterSeconds}`)
      return yield* new Problems.TooManyKeys({
        retry_after: retryAfterSeconds,
        detail: "Check the key before you send it again. The right key is accepted at any time."
      })
    })

    return ApiKey.of({
      bearer: Effect.fnUntraced(function*(httpEffect, { credential }) {
        const key = Redacted.value(credential)
        // All digests have the same length, so the time of the comparison does not reveal the key's length.
        if (timingSafeEqual(digest(key), expectedDigest)) return yield* httpEffect
        return yield* refuse(yield* HttpServerRequest.HttpServerRequest, key === "")
      })
    })
  })
)
