/**
 * `npm run replay -- FILE`: prints the events of a call's event log, each with the commands that the current turn machine returns for it.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect, FileSystem } from "effect"
import { Argument, CliConfig, Command, GlobalFlag } from "effect/cli"
import * as Replay from "./conversation/replay/Replay.ts"

/** The file can't be replayed. */
class EventLogUnusable extends Data.TaggedError("EventLogUnusable")<{ readonly file: string; readonly reason: string }> {
  override get message() {
    return `${this.file} can't be replayed. ${this.reason} Set EVENTS_DIR to write event logs.`
  }
}

/** A tagged value on one line: its tag, then the other fields as JSON. */
const lineOf = ({ _tag, ...fields }: { readonly _tag: string }): string => `${_tag} ${JSON.stringify(fields)}`

const replay = Command.make(
  "replay",
  { file: Argument.File("file", { mustExist: true }).pipe(Argument.withDescription("An event log from the folder of EVENTS_DIR")) },
  Effect.fn("replay")(function*({ file }) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), () => new EventLogUnusable({ file, reason: "It can't be read." }))
    const log = yield* Effect.mapError(Effect.fromResult(Replay.parse(text)), ({ reason }) => new EventLogUnusable({ file, reason }))
    const commands = Replay.play(log)
    for (const [index, event] of log.events.entries()) {
      const { at, ...content } = event
      yield* Console.log(`${(at / 1000).toFixed(3).padStart(9)} s  ${lineOf(content)}`)
      for (const command of commands[index]) yield* Console.log(`             → ${lineOf(command)}`)
    }
  })
).pipe(Command.withDescription("Runs the turn machine on a call's event log, and prints its commands for each event"))

replay.pipe(
  Command.run({ version: "0.1.0" }),
  // The command logs nothing, so Effect's flag for the log's level would have no effect.
  Effect.provide(CliConfig.layer({ builtIns: GlobalFlag.BuiltIns.filter((flag) => flag !== GlobalFlag.LogLevel) })),
  Effect.tapError((error) => error instanceof EventLogUnusable ? Console.error(error.message) : Effect.void),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
