/**
 * The load generator: many callers in one process. Each sends a frame every 20 ms, and the callers are spread over the 20 ms.
 *
 * It runs in its own process. Its parent sends a `Load` and gets back what the callers have `Seen`.
 */
import { createHmac, randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"

export interface Load {
  readonly calls: number
  /** Seconds of sound of each call, after `warmup` seconds that do not count. */
  readonly seconds: number
  readonly warmup: number
  /** `ws://…` of a bare peer, or `http://…` of the service with its local account. */
  readonly target: string
  readonly account?: { readonly accountSid: string; readonly authToken: string }
  /** The phone numbers of the call, where they matter. */
  readonly from?: string
  readonly to?: string
}

export interface Seen {
  readonly sent: number
  readonly received: number
  /** Round trips in ms: from a frame's sending to its echo's arrival. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }
  /** How late this process sent its frames, in ms: its own share of the latency. */
  readonly lateness: { readonly p99: number; readonly max: number }
}

export interface Caller {
  readonly socket: WebSocket
  readonly streamSid: string
  /** The ms of each 20 at which the caller sends its frame. */
  readonly slot: number
  /** Twilio's `sequenceNumber` of the caller's last message. */
  sequence: number
  /** The number of frames that were sent. */
  sent: number
  received: number
  /** When each of the last `ringSize` frames was sent: frame `n` at index `n % ringSize`. */
  readonly times: Float64Array
}

const ringSize = 512
const hex = (bytes: number) => randomBytes(bytes).toString("hex")
const sign = (token: string, text: string) => createHmac("sha1", token).update(text).digest("base64")

/** 20 ms of arbitrary sound. */
const payload = (() => {
  const bytes = Buffer.alloc(160)
  for (let index = 0; index < bytes.length; index++) bytes[index] = 128 + ((index * 37) % 100)
  return bytes.toString("base64")
})()

/** Requests the TwiML of an inbound call, as Twilio does. Returns the URL and the token of its stream. */
const requestTwiml = async (load: Load): Promise<{ readonly url: string; readonly token: string; readonly callSid: string }> => {
  const { accountSid, authToken } = load.account!
  const callSid = `CA${hex(16)}`
  const parameters: Record<string, string> = {
    AccountSid: accountSid,
    CallSid: callSid,
    CallStatus: "ringing",
    Direction: "inbound",
    From: load.from ?? "+14155550100",
    To: load.to ?? "+14155550199"
  }
  const url = `${load.target}/twiml`
  const signed = url + Object.keys(parameters).toSorted().map((name) => name + parameters[name]).join("")
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": sign(authToken, signed)
    },
    body: new URLSearchParams(parameters)
  })
  const twiml = await response.text()
  const stream = /<Stream url="([^"]+)"/.exec(twiml)
  const token = /<Parameter name="token" value="([^"]+)"/.exec(twiml)
  if (stream === null || token === null) throw new Error(`no stream in the TwiML: ${twiml}`)
  return { url: stream[1], token: token[1], callSid }
}

export const open = async (load: Load, index: number): Promise<Caller> => {
  const streamSid = `MZ${hex(16)}`
  const stream = load.account === undefined ? undefined : await requestTwiml(load)
  const url = stream?.url ?? load.target
  const socket = new WebSocket(url, {
    headers: load.account === undefined ? {} : { "x-twilio-signature": sign(load.account.authToken, url) }
  })
  await new Promise((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  socket.on("error", () => {})
  socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }))
  socket.send(JSON.stringify({
    event: "start",
    sequenceNumber: "1",
    start: {
      accountSid: load.account?.accountSid ?? `AC${"0".repeat(32)}`,
      streamSid,
      callSid: stream?.callSid ?? `CA${hex(16)}`,
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      customParameters: stream === undefined ? {} : { token: stream.token }
    },
    streamSid
  }))
  return { socket, streamSid, slot: index % 20, sequence: 1, sent: 0, received: 0, times: new Float64Array(ringSize) }
}

/** Sends the caller's next 20 ms, as base64, in Twilio's order of fields. Another order would cost the service more. */
export const sendSound = (caller: Caller, payload: string) => {
  const chunk = ++caller.sent
  caller.socket.send(
    `{"event":"media","sequenceNumber":"${++caller.sequence}","media":{"track":"inbound","chunk":"${chunk}","timestamp":"${
      32 + chunk * 20
    }","payload":"${payload}"},"streamSid":"${caller.streamSid}"}`
  )
}

/** Sends the caller's next 20 ms, and records the time. */
export const sendTimedFrame = (caller: Caller) => {
  caller.times[caller.sent % ringSize] = performance.now()
  sendSound(caller, payload)
}

/** The caller hangs up. */
export const hangUp = (load: Load, caller: Caller) => {
  caller.socket.send(JSON.stringify({
    event: "stop",
    sequenceNumber: String(++caller.sequence),
    streamSid: caller.streamSid,
    stop: { accountSid: load.account?.accountSid ?? `AC${"0".repeat(32)}`, callSid: `CA${"0".repeat(32)}` }
  }))
  caller.socket.close(1000)
}

const percentile = (sorted: Float64Array | ReadonlyArray<number>, share: number) =>
  sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]

/** Runs all calls. `onSteady` is called at the end of the warm-up, `onDone` at the end of the measured seconds. */
export const run = async (load: Load, onSteady: () => void, onDone: () => void): Promise<Seen> => {
  const callers: Array<Caller> = []
  for (let index = 0; index < load.calls; index++) callers.push(await open(load, index))

  const latencies: Array<number> = []
  const lateness: Array<number> = []
  let isCounting = false
  for (const caller of callers) {
    caller.socket.on("message", (data: Buffer) => {
      // The event's name begins at byte 10; only "media" begins with "me".
      if (data[10] !== 0x6d || data[11] !== 0x65) return
      const sentAt = caller.times[caller.received++ % ringSize]
      if (isCounting) latencies.push(performance.now() - sentAt)
    })
  }

  const slots: Array<Array<Caller>> = Array.from({ length: 20 }, () => [])
  for (const caller of callers) slots[caller.slot].push(caller)

  const begin = performance.now()
  const total = (load.warmup + load.seconds) * 1000
  let tick = 0
  await new Promise<void>((resolve) => {
    const step = () => {
      const now = performance.now() - begin
      while (tick <= now) {
        if (tick === load.warmup * 1000) {
          isCounting = true
          onSteady()
        }
        if (tick >= total) {
          isCounting = false
          onDone()
          resolve()
          return
        }
        if (isCounting) lateness.push(now - tick)
        for (const caller of slots[tick % 20]) sendTimedFrame(caller)
        tick++
      }
      setTimeout(step, 1)
    }
    step()
  })
  // The last echoes may still arrive.
  await new Promise((resolve) => setTimeout(resolve, 1000))

  const sum = (pick: (caller: Caller) => number) => callers.reduce((total, caller) => total + pick(caller), 0)
  const seen = { sent: sum((caller) => caller.sent), received: sum((caller) => caller.received) }
  for (const caller of callers) hangUp(load, caller)
  const sorted = Float64Array.from(latencies).sort()
  const late = Float64Array.from(lateness).sort()
  return {
    ...seen,
    latency: {
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      max: percentile(sorted, 1)
    },
    lateness: { p99: percentile(late, 0.99), max: percentile(late, 1) }
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("message", (load: Load) => {
    void run(load, () => process.send!("steady"), () => process.send!("done")).then((seen) => {
      process.send!(seen, () => process.exit(0))
    })
  })
}
