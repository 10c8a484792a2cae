/**
 * The errors and warnings of Twilio's debugger that the simulator raises.
 *
 * https://www.twilio.com/docs/api/errors
 */

/** The webhook answered with a status outside of 200 to 299. */
export const webhookFailed = 11200
/** Nobody listens at the webhook's address. */
export const webhookRefused = 11202
/** The webhook was not reached in time, or did not answer in time (by default, in 15 seconds). */
export const webhookUnreachable = 11205
/** The webhook's answer is not HTTP, or the connection broke before the answer was complete. */
export const webhookBroken = 11206
/** The webhook's host name is not known. */
export const webhookHostUnknown = 11210
/** A `<Redirect>` names no URL that can be fetched. */
export const invalidUrl = 11100
/** The answer is not a well-formed TwiML document. */
export const invalidDocument = 12100
/** Warning: a verb, a noun or an attribute is not known, and was skipped. */
export const skipped = 12200
/** The answer's content type is none of `text/xml`, `application/xml` and `text/html`. */
export const invalidContentType = 12300
/** `<Dial>` has no number that can be rung. */
export const invalidDialNumber = 13224
/** The WebSocket's host was not reached. */
export const streamUnreachable = 31901
/** The connection broke without a close handshake, as when the service's process dies. */
export const streamBroken = 31903
/** The upgrade was answered with something other than 101: a wrong path, a refused signature, a query string in the URL. */
export const streamRefused = 31920
/** The service closed the WebSocket. Usually this is intended: an agent ends a call in this way. */
export const streamClosedByService = 31921
/** The stream's URL has another scheme than `wss`. */
export const streamSchemeUnsupported = 31922
/** The stream's URL can't be read. */
export const streamUrlMalformed = 31923
/** Warning: more than ten minutes of sound were queued for playback, and later sound was discarded. */
export const streamMediaDiscarded = 31931
/** Warning: a message of the service could not be read: binary, bad JSON, an unknown event, another `streamSid`. */
export const streamMessageMalformed = 31950
