/**
 * `npm run bench [-- name …]` runs each benchmark in a process of its own. Machines are noisy. So if other software does the
 * same work (a peer), the benchmark also measures it in the same run, and gives the ratio.
 *
 *     npm run bench                 # resampler, line
 *     npm run bench -- soak         # ten minutes
 *     npm run bench -- line --calls 100 --seconds 30 --rounds 5
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const benches: Record<string, { readonly file: string; readonly what: string; readonly byDefault: boolean }> = {
  resampler: { file: "resampler.ts", what: "the resampler and μ-law beside libsamplerate", byDefault: true },
  line: { file: "line/main.ts", what: "200 echo calls at once beside a bare ws echo", byDefault: true },
  conversation: { file: "conversation.ts", what: "turns, interruptions and 20 conversations at once, with the embedded engines", byDefault: false },
  engines: { file: "engines.ts", what: "remote engines at the latencies of a GPU: 1 call and 100 calls at once", byDefault: false },
  recognition: { file: "recognition.ts", what: "how many of the receptionist's phrases the embedded engines understand, and how many foreign ones they refuse", byDefault: false },
  "voice-activity": { file: "voice-activity.ts", what: "the voice detector: a window's cost, and 100 calls at once", byDefault: false },
  memory: { file: "memory.ts", what: "the service's memory at rest and during five conversations at once, against the limit of a 512 MB machine", byDefault: false },
  recording: { file: "line/recording.ts", what: "200 echo calls with and without recording: CPU a frame, the event loop's delay", byDefault: false },
  history: { file: "history.ts", what: "GET /calls over 1,000,000 turns, with each filter, on SQLite and Postgres", byDefault: false },
  resumption: { file: "resumption.ts", what: "how long a caller hears nothing when their stream is cut, and when the service is killed and started", byDefault: false },
  siege: { file: "siege.ts", what: "attacks on the service, each beside a live call: the longest gap in its echo, and memory", byDefault: false },
  soak: { file: "line/soak.ts", what: "100 calls that come and go for ten minutes, and what they leave behind", byDefault: false }
}

const words = process.argv.slice(2)
if (words.includes("--help") || words.includes("-h")) {
  console.log("npm run bench [-- NAME ...] [--calls N] [--seconds N] [--rounds N] [--minutes N] [--turns N] [--turns-each N] [--interruptions N] [--cuts N] [--kills N] [--only WORDS] [--details 1] [--cpu-prof | --perf] [--sqlite | --postgres] [--plans]\n")
  for (const [name, { byDefault, what }] of Object.entries(benches)) {
    console.log(`  ${name.padEnd(16)}${what}${byDefault ? " (by default)" : ""}`)
  }
  process.exit(0)
}

const named = words.filter((word) => word in benches)
const options = words.filter((word) => !(word in benches))
const chosen = named.length > 0 ? named : Object.keys(benches).filter((name) => benches[name].byDefault)

for (const name of chosen) {
  console.log(`== ${name}: ${benches[name].what}`)
  const file = fileURLToPath(new URL(benches[name].file, import.meta.url))
  const { status } = spawnSync(process.execPath, [file, ...options], { stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
  console.log()
}
