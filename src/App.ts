/**
 * The service as a graph of layers, without the layers of the platform and of the engines. `Process` adds Node's layers and the configured
 * engines. Tests add an HTTP server of their own and the simulator.
 *
 * ```text
 * AppConfig ─▶ Credentials ─▶ StreamToken, RestClient ─▶ CallRegistry ─▶ OutboundCalls ─▶ http/Server
 *      ├─────▶ Database ─▶ CallStore, Deliveries ─────────────▲
 *      └─────▶ ConversationAgent ─▶ Agents ───────────────────▲
 *  the engines ───▲
 * ```
 */
import { Effect, Layer, Option } from "effect"
import { AgentFiles } from "./agent/file/AgentFile.ts"
import { Agents } from "./agent/Agents.ts"
import * as ConversationAgent from "./agent/ConversationAgent.ts"
import { TurnEventLog } from "./agent/TurnEventLog.ts"
import { CallRegistry } from "./call/CallRegistry.ts"
import * as LineCodec from "./call/media/LineCodec.ts"
import { Prices } from "./call/cost/Prices.ts"
import * as PriceWarnings from "./call/cost/PriceWarnings.ts"
import { CallHistories } from "./call/history/CallHistories.ts"
import { CallRecorder } from "./call/recording/CallRecorder.ts"
import { OutboundCalls } from "./call/OutboundCalls.ts"
import { AppConfig } from "./config/AppConfig.ts"
import * as Contradictions from "./config/Contradictions.ts"
import { Credentials } from "./config/Credentials.ts"
import * as Deliveries from "./delivery/Deliveries.ts"
import { PublicUrl } from "./http/connections/PublicUrl.ts"
import { OpenEventStreams } from "./http/api/history/OpenEventStreams.ts"
import * as Server from "./http/Server.ts"
import * as ProcessMetrics from "./observability/ProcessMetrics.ts"
import * as Telemetry from "./observability/Telemetry.ts"
import { StoredCalls } from "./store/history/StoredCalls.ts"
import * as DatabaseCallStore from "./store/DatabaseCallStore.ts"
import * as FolderCallRecordings from "./store/recording/FolderCallRecordings.ts"
import { CallErasure } from "./store/retention/CallErasure.ts"
import * as Retention from "./store/retention/Retention.ts"
import { RestClient } from "./twilio/rest/RestClient.ts"
import { StreamToken } from "./twilio/webhook/StreamToken.ts"

/** The agents of the configuration. They need the layers of the engines. */
const agents = Agents.layer.pipe(
  Layer.provide(AgentFiles.layer),
  Layer.provide(ConversationAgent.layer),
  Layer.provide(TurnEventLog.layer)
)

/** Reads and erases the stored data of calls, and deletes old data. */
const history = Layer.mergeAll(StoredCalls.layer, CallErasure.layer, Retention.layer).pipe(
  Layer.provideMerge(FolderCallRecordings.layer)
)

/** The service without the HTTP server. */
const services = OutboundCalls.layer.pipe(
  Layer.provideMerge(CallRegistry.layer),
  Layer.provideMerge(CallHistories.layer),
  Layer.provideMerge(Prices.layer),
  Layer.provideMerge(CallRecorder.layer),
  Layer.provideMerge(history),
  Layer.provideMerge(Layer.mergeAll(RestClient.layer, StreamToken.layer, agents)),
  Layer.provideMerge(Deliveries.layer),
  Layer.provideMerge(Credentials.layer),
  // The store is built first and closed last, so that calls can still write to it when they end.
  Layer.provideMerge(DatabaseCallStore.layer)
)

/** Prepares the codec for the first call, then logs where the service listens, and warnings about the configuration. */
const announce = Effect.gen(function*() {
  const config = yield* AppConfig
  const identity = yield* Credentials
  const agents = yield* Agents
  const { configured: url } = yield* PublicUrl
  yield* Effect.sync(() => LineCodec.warmUp(agents.standard.sampleRate))
  yield* Effect.logInfo(`Listening at ${url}; the agent is ${agents.standard.name}`)
  const { list } = yield* Prices
  const unpriced = Option.isNone(list) ? [] : PriceWarnings.of(list.value, yield* agents.engines)
  for (const warning of [...config.warnings, ...unpriced]) yield* Effect.logWarning(warning)
  if (agents.standard.isRecorded === true && Contradictions.keepsRecordingsToItself(config) && !config.recording.recordsAllCalls) {
    yield* Effect.logWarning(Contradictions.unsharedRecordings)
  }
  if (identity.isLocalAccount) {
    yield* Effect.logInfo("No Twilio credentials: calls come from the simulator only. Try: npm run demo")
  } else if (Contradictions.isRealTwilio(config.twilio) && config.server.publicUrl._tag === "None" && config.server.trustedProxies.length === 0) {
    yield* Effect.logWarning("PUBLIC_URL is not set: Twilio's signatures can't match. Set it to the address that Twilio calls.")
  }
})

/** This layer is closed first: it waits for live calls, and for their watchers, while the server still answers. See docs/adr/0003. */
const Drain = Layer.effectDiscard(
  Effect.gen(function*() {
    const { server } = yield* AppConfig
    const registry = yield* CallRegistry
    const streams = yield* OpenEventStreams
    yield* Effect.acquireRelease(announce, () => Effect.andThen(registry.drain(server.shutdownGrace), streams.ended))
  })
)

/** The whole service. It needs an `HttpServer`, a file system, `AppConfig` and the four engines. */
export const layer = Drain.pipe(
  Layer.provideMerge(Server.layer),
  Layer.provideMerge(OpenEventStreams.layer),
  Layer.provideMerge(services),
  Layer.provideMerge(ProcessMetrics.layer),
  Layer.provideMerge(Telemetry.layer)
)
