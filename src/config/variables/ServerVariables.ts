/**
 * The variables of the HTTP server: where it listens, at which address Twilio reaches it, how it reads the calls' sound, and the API key.
 */
import { type Duration, Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"
import { isIP } from "node:net"
import * as Networks from "../Networks.ts"
import { count, duration, List, onOrOff, url, Whole } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** Networks, each as `address/prefix`; see {@link Networks.parse}. */
const NetworksText = List.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transformEffect((items: ReadonlyArray<string>) => {
      const networks = items.map(Networks.parse)
      return networks.every(Option.isSome)
        ? Effect.succeed([...new Set(networks.flatMap(({ value }) => value))])
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "IP addresses or networks" }))
    }),
    encode: SchemaGetter.passthrough()
  })
)

/** A host with or without a port: `media.example.com`, `[2001:db8::1]:8443`. */
const HostText = Schema.String.check(Schema.isPattern(/^(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::\d{1,5})?$/iu))

/** An IP address or a host name. The brackets that an IPv6 address has in a URL are removed. */
const ListenAddress = Schema.String.pipe(
  Schema.decodeTo(Schema.String.check(Schema.makeFilter((address) => isIP(address) !== 0 || /^[\p{L}\p{N}._-]+$/u.test(address))), {
    decode: SchemaGetter.transform((text: string) => text.replace(/^\[(.*)\]$/, "$1")),
    encode: SchemaGetter.passthrough()
  })
)

const listenAddress = withDefault(ListenAddress, "127.0.0.1", "an IP address or a host name, without scheme and port", "127.0.0.1")

const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

export const serverVariables = {
  SERVER_HOST: listenAddress,
  SERVER_PORT: withDefault(Whole(0, 65_535), 8000, "a port number from 0 to 65535", "8000"),
  PUBLIC_URL: url("https://calls.example.com"),
  TRUSTED_PROXIES: withDefault(
    NetworksText,
    [],
    "IP addresses, networks or the words loopback, private or linklocal, with commas between",
    "127.0.0.1,10.0.0.0/8"
  ),
  SERVER_KEEP_ALIVE: duration("from 1s", "620 seconds", "620s"),
  SERVER_MAX_IDLE_CONNECTIONS: count(1, 1_000_000, 1000),
  ADMIN_HOST: listenAddress,
  ADMIN_PORT: optional(Whole(0, 65_535), "a port number from 0 to 65535", "8001"),
  WEBSOCKET_HOSTS: withDefault(
    List.pipe(Schema.decodeTo(Schema.Array(HostText))),
    [],
    "host names, without scheme and path, with commas between",
    "media.example.com"
  ),
  MEDIA_FAST_PATH: onOrOff("on"),
  API_KEY: optional(
    Schema.String.check(Schema.isPattern(/^[\x20-\x7e]+$/)).pipe(Schema.decodeTo(Secret)),
    "a secret of ASCII characters, because clients of the API send it in a header",
    "…"
  )
} as const

export interface ServerSettings {
  readonly host: string
  /** 0: the system chooses a free port. */
  readonly port: number
  /** The address that Twilio calls. */
  readonly publicUrl: Option.Option<URL>
  /** Networks, each as `address/prefix`. */
  readonly trustedProxies: ReadonlyArray<string>
  readonly connections: {
    /** How long a connection may wait for its next request. */
    readonly keepAlive: Duration.Duration
    /** The most idle connections. When there are more, one that has been idle for a long time is closed. */
    readonly maxIdle: number
  }
  /** A second address for documentation, metrics and readiness. Unset: the first address serves them. */
  readonly admin: Option.Option<{ readonly host: string; readonly port: number }>
  /** Further hosts to which a call's sound may be sent. */
  readonly websocketHosts: ReadonlyArray<string>
  /** Whether the sound of media streams bypasses `ws`. `false`: `ws` and the schemas read every message. */
  readonly hasMediaFastPath: boolean
  /** How long calls may continue after SIGTERM or SIGINT. */
  readonly shutdownGrace: Duration.Duration
}

export const serverSettings = (values: ValuesOf<typeof serverVariables>, shutdownGrace: Duration.Duration): ServerSettings => ({
  host: values.SERVER_HOST,
  port: values.SERVER_PORT,
  publicUrl: values.PUBLIC_URL,
  trustedProxies: values.TRUSTED_PROXIES,
  connections: { keepAlive: values.SERVER_KEEP_ALIVE, maxIdle: values.SERVER_MAX_IDLE_CONNECTIONS },
  admin: Option.map(values.ADMIN_PORT, (port) => ({ host: values.ADMIN_HOST, port })),
  websocketHosts: values.WEBSOCKET_HOSTS,
  hasMediaFastPath: values.MEDIA_FAST_PATH,
  shutdownGrace
})
