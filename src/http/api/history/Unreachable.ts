/** The API's error while the database of the call history can't be reached. */
import * as Problems from "../Problems.ts"

/** How long a client should wait before it sends the request again. */
const retryAfterSeconds = 5

/** `whyNotOpened`: set if sealed sound can't be opened. Then another attempt would fail, too. */
export const historyUnreachable = ({ message, whyNotOpened }: { readonly message: string; readonly whyNotOpened?: string }) =>
  new Problems.HistoryUnreachable({ detail: message, ...(whyNotOpened === undefined ? { retry_after: retryAfterSeconds } : {}) })
