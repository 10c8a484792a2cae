/**
 * The API key as endpoints ask for it; `ApiKeyCheck` checks it.
 */
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import * as Problems from "../Problems.ts"

/** Checks the bearer token against `API_KEY`. */
export class ApiKey extends HttpApiMiddleware.Service<ApiKey>()("client-caller/http/ApiKey", {
  security: { bearer: HttpApiSecurity.bearer },
  error: [Problems.Unauthorized, Problems.TooManyKeys]
}) {}
