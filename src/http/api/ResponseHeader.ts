/**
 * Response headers for handlers whose answer is a value, such as a problem document.
 */
import { Effect } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"

/** Sets a header of the response to the current request, whether the handler succeeds or fails. */
export const withHeader = (name: string, value: string) =>
  HttpEffect.appendPreResponseHandler((_request, response) => Effect.succeed(HttpServerResponse.setHeader(response, name, value)))
