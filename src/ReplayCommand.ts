/**
 * `npm run replay -- FILE`: the events of a recorded conversation, and what the turn machine makes of each now.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect, FileSystem } from "effect"
import { Argument, Command } from "effect/cli"
import * as Replay from "./conversation/replay/Replay.ts"

/** What keeps a recording from being played, for whoever asked. */
class RecordingUnusable extends Data.TaggedError("RecordingUnusable")<{ readonly message: string }> {}

/** A tagged value on one line: its tag, then the rest. */
const line = ({ _tag, ...rest }: { readonly _tag: string }): string => `${_tag} ${JSON.stringify(rest)}`

const replay = Command.make(
  "replay",
  { file: Argument.File("file", { mustExist: true }).pipe(Argument.withDescription("A recording from the folder of EVENTS_DIR")) },
  Effect.fn("replay")(function*({ file }) {
    const fs = yield* FileSystem.FileSystem
    const recording = Replay.parse(yield* fs.readFileString(file))
    if ("reason" in recording) {
      return yield* new RecordingUnusable({ message: `${file} can't be played. ${recording.reason} Record one by setting EVENTS_DIR.` })
    }
    const commands = Replay.play(recording)
    for (const [index, event] of recording.events.entries()) {
      const { at, ...told } = event
      yield* Console.log(`${(at / 1000).toFixed(3).padStart(9)} s  ${line(told)}`)
      for (const command of commands[index]) yield* Console.log(`             → ${line(command)}`)
    }
  })
).pipe(Command.withDescription("Plays the events of a recorded conversation to the turn machine, and shows what it orders"))

replay.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.tapError((error) => error instanceof RecordingUnusable ? Console.error(error.message) : Effect.void),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
