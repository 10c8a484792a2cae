/**
 * The counters, gauges and histograms that Prometheus reads at `/metrics`.
 *
 * Each call counts its own frames, and adds the count to the metric once per second of sound. So a frame costs only one addition.
 * Durations are in seconds, as Prometheus recommends.
 */
import { Metric } from "effect"

/** Live calls by phase, and by direction: inbound or outbound. */
export const callsLive = (phase: string, direction: string) =>
  Metric.gauge("client_caller_calls", { description: "Calls alive now", attributes: { phase, direction } })

export const callsEnded = (reason: string, direction: string) =>
  Metric.counter("client_caller_calls_ended_total", {
    description: "Calls that ended, by reason",
    incremental: true,
    attributes: { reason, direction }
  })

/** `callerBusy`: this caller already has `MAX_CALLS_PER_CALLER` calls. */
export const callsRefused = (reason: "busy" | "callerBusy" | "draining") =>
  Metric.counter("client_caller_calls_refused_total", {
    description: "Calls that were told the line is busy",
    incremental: true,
    attributes: { reason }
  })

export const earlyReports = (outcome: "remembered" | "applied" | "expired" | "dropped") =>
  Metric.counter("client_caller_early_reports_total", {
    description: "Status callbacks that came before their call, by outcome; dropped: there were too many",
    incremental: true,
    attributes: { outcome }
  })

export const endedCallsRefused = (path: string) =>
  Metric.counter("client_caller_ended_calls_refused_total", {
    description: "Requests of calls that had ended (replayed or late): webhooks were told to hang up, media WebSockets were closed",
    incremental: true,
    attributes: { path }
  })

export const framesReceived = Metric.counter("client_caller_frames_received_total", {
  description: "Media messages from Twilio",
  incremental: true
})

export const framesScanned = Metric.counter("client_caller_frames_scanned_total", {
  description: "Media messages from Twilio that the fast scanner read without JSON: normally nearly all, since the others cost twice as much",
  incremental: true
})

export const framesSent = Metric.counter("client_caller_frames_sent_total", {
  description: "Media messages to Twilio, 20 ms each",
  incremental: true
})

/**
 * - `agentSlow`: the agent took no frames for longer than half of `MEDIA_BACKLOG`, because this process is overloaded;
 * - `networkBurst`: after a stall the network delivered more frames at once than `MEDIA_BACKLOG` holds;
 * - `networkLoss`: the frames never arrived, as gaps in Twilio's `chunk` show;
 * - `stale`: an agent that prefers fresh sound, such as the echo agent, skipped the frames after a stall;
 * - `cleared`: frames of the agent that were dropped when the caller interrupted it.
 */
export const framesDropped = (reason: "agentSlow" | "networkBurst" | "networkLoss" | "cleared" | "stale") =>
  Metric.counter("client_caller_frames_dropped_total", {
    description: "Frames of 20 ms that were lost or thrown away, by reason",
    incremental: true,
    attributes: { reason }
  })

/** Sound that is more than two seconds ahead of the time since the stream was opened (`MediaRateLimit`). */
export const mediaSurplus = Metric.counter("client_caller_media_surplus_seconds_total", {
  description: "Seconds of callers' sound that were dropped because they came faster than real time, which no telephone line does",
  incremental: true
})

export const badMessages = (reason: string) =>
  Metric.counter("client_caller_bad_messages_total", {
    description: "WebSocket frames of media streams that were not accepted, by reason",
    incremental: true,
    attributes: { reason }
  })

export const streamsRefused = (reason: string) =>
  Metric.counter("client_caller_streams_refused_total", {
    description: "Media WebSockets that were refused or closed by this service, by reason",
    incremental: true,
    attributes: { reason }
  })

export const webhooksRefused = (path: string, reason: string) =>
  Metric.counter("client_caller_webhooks_refused_total", {
    description: "Webhooks that were not accepted, by path and reason",
    incremental: true,
    attributes: { path, reason }
  })

export const apiRefused = (reason: string) =>
  Metric.counter("client_caller_api_refused_total", {
    description: "API requests that were refused, by reason",
    incremental: true,
    attributes: { reason }
  })

export const twilioRequests = (operation: string, outcome: string) =>
  Metric.counter("client_caller_twilio_requests_total", {
    description: "Requests to Twilio's REST API, by operation and outcome",
    incremental: true,
    attributes: { operation, outcome }
  })

const latencyMillis = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000]
const latencyBoundaries = Metric.boundariesFromIterable(latencyMillis.map((milli) => milli / 1000))

export const queueLatency = Metric.histogram("client_caller_queue_latency_seconds", {
  description: "From a media message's arrival to the agent taking its sound (one frame in fifty)",
  boundaries: latencyBoundaries
})

export const echoLatency = Metric.histogram("client_caller_echo_latency_seconds", {
  description: "From a media message's arrival to its echo leaving (one frame in fifty, echo agent)",
  boundaries: latencyBoundaries
})

const turnBoundaries = Metric.boundariesFromIterable(
  [25, 50, 75, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 1000, 1500, 2000, 3000, 5000].map((milli) => milli / 1000)
)

/** docs/latency.md lists the stages. */
export const turnLatency = (stage: string) =>
  Metric.histogram("client_caller_turn_latency_seconds", {
    description: "From the arrival of the caller's last voiced sample to a stage of the reply, by stage; firstMedia is voice to voice",
    boundaries: turnBoundaries,
    attributes: { stage }
  })

export const bargeInLatency = Metric.histogram("client_caller_barge_in_seconds", {
  description: "From the arrival of an interruption's first voiced sample to the clear message to Twilio",
  boundaries: turnBoundaries
})

export const falseInterruptions = Metric.counter("client_caller_false_interruptions_total", {
  description: "False interruptions: the agent stopped for a noise or a backchannel, and went on",
  incremental: true
})

export const fillers = Metric.counter("client_caller_fillers_total", {
  description: "Short lines that filled the wait for a late reply",
  incremental: true
})

export const transferFailures = (reason: string) =>
  Metric.counter("client_caller_transfer_failures_total", {
    description: "Transfers that failed, by reason; transfers that succeeded are in calls_ended",
    incremental: true,
    attributes: { reason }
  })

export const engineFailures = (stage: string, reason: string) =>
  Metric.counter("client_caller_engine_failures_total", {
    description: "How often an engine failed during a turn, by stage and reason",
    incremental: true,
    attributes: { stage, reason }
  })

export const engineEventsSkipped = (stage: string) =>
  Metric.counter("client_caller_engine_events_skipped_total", {
    description: "Events of an engine's stream that could not be read and were left out, by stage",
    incremental: true,
    attributes: { stage }
  })

export const textCallsDropped = (format: string) =>
  Metric.counter("client_caller_text_calls_dropped_total", {
    description: "Tool calls that a language model wrote as text, but that name no tool or can't be read, by format; they are neither spoken nor carried out",
    incremental: true,
    attributes: { format }
  })

export const engineRequests = (stage: string, engine: string, outcome: string) =>
  Metric.counter("client_caller_engine_requests_total", {
    description: "Requests to engines, by stage, engine and outcome (ok, or why it failed)",
    incremental: true,
    attributes: { stage, engine, outcome }
  })

export const engineLatency = (stage: string, engine: string) =>
  Metric.histogram("client_caller_engine_latency_seconds", {
    description: "From a request to an engine to the beginning of its answer, by stage and engine",
    boundaries: turnBoundaries,
    attributes: { stage, engine }
  })

export const engineBudgetUsed = (stage: string, engine: string) =>
  Metric.gauge("client_caller_engine_budget_used_ratio", {
    description: "Median time to the beginning of the newest 20 answers, as a share of the engine's time-out (0 to 1), by stage and engine",
    attributes: { stage, engine }
  })

export const engineStandIns = (stage: string, engine: string) =>
  Metric.counter("client_caller_engine_stand_ins_total", {
    description: "Requests that an engine took because the engine before it failed or was late, by stage and engine",
    incremental: true,
    attributes: { stage, engine }
  })

export const engineUp = (stage: string, engine: string) =>
  Metric.gauge("client_caller_engine_up", {
    description: "Whether an engine's last request was answered (1) or not (0), by stage and engine",
    attributes: { stage, engine }
  })

export const logLinesDropped = Metric.counter("client_caller_log_lines_dropped_total", {
  description: "Log lines that were lost, because standard output was slower than the log",
  incremental: true
})

/** A write that was counted as `journaled` is counted again, as `stored`, when the database has it. A `lost` write is stored nowhere. */
export const storeWrites = (result: "stored" | "journaled" | "lost") =>
  Metric.counter("client_caller_store_writes_total", {
    description: "Writes of the call history, by result: stored in the database, journaled (waiting for it in a file), or lost",
    incremental: true,
    attributes: { result }
  })

export const storeWaiting = Metric.gauge("client_caller_store_waiting", {
  description: "Writes of the call history that wait in memory or in this process's journal for the database"
})

export const storeBatchLatency = Metric.histogram("client_caller_store_batch_seconds", {
  description: "How long the database took for one transaction of writes of the call history",
  boundaries: latencyBoundaries
})

export const storeUp = Metric.gauge("client_caller_store_up", {
  description: "Whether the database of the call history answers and nothing waits in the journal (1) or not (0)"
})

export const recordingLost = Metric.counter("client_caller_recording_lost_seconds_total", {
  description: "Seconds of sound that are missing in recordings, because their folder could not be written to in time",
  incremental: true
})

export const recordingUploads = (outcome: "done" | "failed") =>
  Metric.counter("client_caller_recording_uploads_total", {
    description: "Attempts to move a recording to the bucket, by outcome",
    incremental: true,
    attributes: { outcome }
  })

export const webhooks = (type: string, result: "Delivered" | "Retry" | "Failed") =>
  Metric.counter("client_caller_webhooks_total", {
    description: "Attempts to send a webhook, by type and result: Delivered, Retry (another attempt will follow) or Failed (it was the last one)",
    incremental: true,
    attributes: { type, result }
  })
