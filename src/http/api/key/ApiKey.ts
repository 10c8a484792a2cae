/**
 * The middleware of endpoints that need the API key. `ApiKeyCheck` implements it.
 */
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import * as Problems from "../Problems.ts"

/** Checks the bearer token against `API_KEY`. */
export class ApiKey extends HttpApiMiddleware.Service<ApiKey>()("client-caller/http/ApiKey", {
  security: { bearer: HttpApiSecurity.bearer },
  error: [Problems.Unauthorized, Problems.TooManyKeys]
}) {}
