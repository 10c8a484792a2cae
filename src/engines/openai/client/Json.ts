/** Parses JSON from servers, without a schema. A schema would be too slow, because a reply has an event for each token. */
import { Option } from "effect"

/** `None` if the text is not JSON. */
export const parse = (text: string): Option.Option<unknown> => {
  try {
    return Option.some(JSON.parse(text))
  } catch {
    return Option.none()
  }
}
