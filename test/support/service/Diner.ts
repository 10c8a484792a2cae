/** An agent with one tool, which books tables over HTTP. */
import { Effect, FileSystem } from "effect"

/** Writes the agent's file to a folder of its own, and returns its path. `bookings`: the URL of the server that books. */
export const file = Effect.fnUntraced(function*(bookings: string) {
  const fs = yield* FileSystem.FileSystem
  const path = `${yield* fs.makeTempDirectoryScoped()}/diner.yaml`
  yield* fs.writeFileString(path, `
name: diner
greeting: Hello.
instructions: You book tables.
tools:
  book: { description: Books a table., url: "${bookings}/bookings", timeout: 60s, parameters: { properties: { guests: { type: integer } } } }
`)
  return path
})
