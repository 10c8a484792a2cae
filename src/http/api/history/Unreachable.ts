/** The API's error while the database of the call history can't be reached. */
import * as Problems from "../Problems.ts"

/** How long a client should wait before it sends the request again. */
const retryAfterSeconds = 5

export const unreachable = (error: { readonly message: string }) =>
  new Problems.HistoryUnreachable({ detail: error.message, retry_after: retryAfterSeconds })
