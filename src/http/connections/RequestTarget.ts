/**
 * The path and the query of a request as they were sent. Twilio did not sign the path that the router derives from them.
 */
import type { IncomingMessage } from "node:http"

/** A proxy may send the target in absolute form (RFC 9112, section 3.2.2); its scheme and host are left out. */
export const of = ({ url = "/" }: Pick<IncomingMessage, "url">): string =>
  url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, "").replace(/^(?!\/)/, "/")
