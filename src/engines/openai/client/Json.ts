/** Parses JSON of servers. No schema, for speed: a reply has an event for each token. */
import { Option } from "effect"

/** None for a text that is no JSON. */
export const parse = (text: string): Option.Option<unknown> => {
  try {
    return Option.some(JSON.parse(text))
  } catch {
    return Option.none()
  }
}
