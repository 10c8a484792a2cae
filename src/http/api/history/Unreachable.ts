/** The answer while the database of the call history does not answer. */
import * as Problems from "../Problems.ts"

/** After so many seconds a client may ask again. */
const retryAfterSeconds = 5

export const unreachable = (error: { readonly message: string }) =>
  new Problems.HistoryUnreachable({ detail: error.message, retry_after: retryAfterSeconds })
