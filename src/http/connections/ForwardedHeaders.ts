/**
 * What trusted proxies say of a request: who sent it, and to which address. Pure; {@link PublicUrl} asks it.
 *
 * A request goes client → proxy → … → proxy → here, and each proxy may write down who connected to it, and how. The rule:
 *
 * 1. Nothing is believed unless the peer, whose address the connection itself tells, is a trusted proxy.
 * 2. `X-Forwarded-For`, or the `for` of RFC 7239's `Forwarded`, is read from the right, over addresses of trusted proxies. The
 *    first other address is the client. What stands left of it is the client's own claim.
 * 3. Lists of `-Proto`, `-Host` and `-Port` are aligned with it from the right. A list that is shorter is of the outermost trusted
 *    proxies: a single value is always taken.
 * 4. Without addresses to align with, `https` is taken if any proxy saw it, since TLS ends at the outermost one, and the last host.
 * 5. A host that nobody forwarded is the `Host` header, which the trusted proxy passed on.
 * 6. When both families of headers are there, they must agree: one of them may be the client's, passed on by a proxy that knows only
 *    the other. Headers that disagree are all ignored.
 *
 * Proxies are often wrong about the scheme and the port: an inner one writes down how it was reached itself. So an address is given
 * with either scheme, the likeliest first. Twilio's signature then proves which one it called. The host is never guessed.
 */
import { Option, Result } from "effect"
import { NetAddress } from "effect/net"
import { BlockList } from "node:net"

export type Headers = Readonly<Record<string, string | undefined>>

/** Why the address that the client called may be unknown or wrong. */
export type Doubt =
  /** Headers came from a peer that is not trusted. */
  | "peer not trusted"
  /** The trusted peer forwarded nothing. */
  | "nothing forwarded"
  | "no scheme"
  | "schemes differ"
  | "unreadable"
  /** `Forwarded` and `X-Forwarded-*` say different things. */
  | "headers disagree"
  /** Before the trusted proxies stands a private address: as a rule a proxy that is not named as one. */
  | "private client"

export interface Origin {
  /** The right-most address that is no trusted proxy; where it is not told, that of the last proxy which is known. */
  readonly client: Option.Option<string>
  /** `https://host[:port]`: what the client called, the likeliest first; none when it is not known. */
  readonly bases: ReadonlyArray<string>
  readonly doubts: ReadonlySet<Doubt>
}

/** The headers that are read. */
export const headerNames = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"] as const

// -- Addresses ----------------------------------------------------------------------------------

/** An address in its usual form: without port, brackets and zone, and an IPv4 address as such. */
export const readAddress = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const bare = text.trim().replace(/^\[([^\]]*)\](?::\d{1,5})?$/, "$1").replace(/%.*$/, "")
  const parsed = NetAddress.ipFromString(bare)
  if (Result.isSuccess(parsed)) return NetAddress.formatIp(NetAddress.toCanonical(parsed.success))
  const withoutPort = /^([\d.]+):\d{1,5}$/.exec(bare)
  return withoutPort === null ? undefined : readAddress(withoutPort[1])
}

const familyOf = (address: string) => address.includes(":") ? "ipv6" : "ipv4"

export type IsTrusted = (address: string) => boolean

/** Whether an address is of one of these networks: `10.0.0.0/8`, in the form that `config` gives. */
export const trust = (networks: ReadonlyArray<string>): IsTrusted => {
  const list = new BlockList()
  for (const network of networks) {
    const [text, prefix] = network.split("/")
    // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
    const isMapped = text.includes(":") && Number(prefix) >= 96 && familyOf(readAddress(text) ?? text) === "ipv4"
    if (isMapped) list.addSubnet(readAddress(text) ?? text, Number(prefix) - 96, "ipv4")
    else list.addSubnet(text, Number(prefix), familyOf(text))
  }
  return (address) => list.check(address, familyOf(address))
}

const isPrivate = trust(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"])

// -- The families of headers --------------------------------------------------------------------

/** What one family of headers says. */
interface Told {
  readonly client: string | undefined
  /** Values of the outermost trusted proxy first. */
  readonly schemes: ReadonlyArray<string>
  readonly host: string | undefined
  readonly port: string | undefined
  readonly doubts: ReadonlyArray<Doubt>
}

const list = (value: string | undefined): ReadonlyArray<string> =>
  value === undefined ? [] : value.split(",").map((item) => item.trim()).filter((item) => item !== "")

/** Who connected to the outermost trusted proxy, and how far from the right that is written. */
const walk = (hops: ReadonlyArray<string | undefined>, peer: string, isTrusted: IsTrusted) => {
  let known = peer
  for (let index = hops.length - 1; index >= 0; index--) {
    const address = readAddress(hops[index])
    // `unknown`, `_hidden` or rubbish: nobody can say more than that it came through this proxy.
    if (address === undefined) return { client: known, fromRight: hops.length - 1 - index }
    if (!isTrusted(address) || index === 0) return { client: address, fromRight: hops.length - 1 - index }
    known = address
  }
  return { client: known, fromRight: undefined }
}

/** Traefik and others write `wss` for the upgrade of a WebSocket. */
const readScheme = (text: string): string | undefined => {
  const scheme = /^(?:(https|wss)|http|ws)$/i.exec(text)
  return scheme === null ? undefined : scheme[1] === undefined ? "http" : "https"
}

const hostShape = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i

const isHost = (text: string) => hostShape.test(text) && URL.canParse(`http://${text}`)

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536

const fromXForwarded = (headers: Headers, peer: string, isTrusted: IsTrusted): Told => {
  const hops = list(headers["x-forwarded-for"])
  const { client, fromRight } = walk(hops, peer, isTrusted)
  const pick = (values: ReadonlyArray<string>, last = values.at(-1)): string | undefined =>
    values.length <= 1 ? values[0] : fromRight === undefined ? last : values[Math.max(0, values.length - 1 - fromRight)]
  const schemes = list(headers["x-forwarded-proto"]).map(readScheme)
  const read = schemes.filter((scheme) => scheme !== undefined)
  const first = schemes.length === read.length ? pick(read, read.find((scheme) => scheme === "https") ?? "http") : undefined
  const hosts = list(headers["x-forwarded-host"])
  const host = pick(hosts)
  const ports = list(headers["x-forwarded-port"])
  const port = pick(ports)
  const isReadable = read.length === schemes.length && (host === undefined || isHost(host)) && (port === undefined || isPort(port))
  return {
    client,
    schemes: [...new Set(first === undefined ? read : [first, ...read])],
    host: host !== undefined && isHost(host) ? host : undefined,
    port: port !== undefined && isPort(port) ? port : undefined,
    doubts: isReadable ? [] : ["unreadable"]
  }
}

type Element = ReadonlyMap<string, string>

/**
 * The elements of a `Forwarded` header (RFC 7239): `for="[2001:db8::1]:4711";proto=https, for=10.0.0.1`. `undefined` for what is none.
 */
export const readForwarded = (header: string): ReadonlyArray<Element> | undefined => {
  const elements: Array<Map<string, string>> = [new Map()]
  // A parameter with what is behind it, one after the other: each match begins where the last one ended.
  const parameter = /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]*))[ \t]*)?([;,]|$)/gy
  while (parameter.lastIndex < header.length) {
    const match = parameter.exec(header)
    if (match === null) return undefined
    const [, name, quoted, token, separator] = match
    const element = elements[elements.length - 1]
    if (name !== undefined) {
      if (element.has(name.toLowerCase())) return undefined
      element.set(name.toLowerCase(), quoted === undefined ? token : quoted.replaceAll(/\\(.)/g, "$1"))
    }
    if (separator === ",") elements.push(new Map())
  }
  return elements.filter((element) => element.size > 0)
}

const fromForwarded = (header: string, peer: string, isTrusted: IsTrusted): Told => {
  const elements = readForwarded(header)
  if (elements === undefined || elements.length === 0) {
    return { client: undefined, schemes: [], host: undefined, port: undefined, doubts: ["unreadable"] }
  }
  const hops = elements.map((element) => element.get("for"))
  const { client, fromRight = 0 } = walk(hops, peer, isTrusted)
  // The outermost trusted proxy wrote the first of these; where it says nothing, the next one further in does.
  const trusted = elements.slice(elements.length - 1 - fromRight)
  const schemes = trusted.flatMap((element) => element.get("proto") ?? [])
  const read = schemes.map(readScheme).filter((scheme) => scheme !== undefined)
  const host = trusted.map((element) => element.get("host")).find((value) => value !== undefined)
  return {
    client: hops.some((hop) => hop !== undefined) ? client : undefined,
    schemes: [...new Set(read)],
    host: host !== undefined && isHost(host) ? host : undefined,
    port: undefined,
    doubts: read.length === schemes.length && (host === undefined || isHost(host)) ? [] : ["unreadable"]
  }
}

// -- Together -----------------------------------------------------------------------------------

const disagree = (one: string | undefined, other: string | undefined) =>
  one !== undefined && other !== undefined && one.toLowerCase() !== other.toLowerCase()

const standardPort = { https: "443", http: "80" } as const

const basesOf = (schemes: ReadonlyArray<string>, host: string, port: string | undefined): ReadonlyArray<string> => {
  const hasPort = /:\d+$/.test(host)
  return [...new Set(schemes.flatMap((scheme) => {
    // `https` on port 80 is a port of the way inside.
    const isOther = port === standardPort[scheme === "https" ? "http" : "https"]
    const hosts = hasPort || port === undefined || isOther ? [host] : [`${host}:${port}`, host]
    return hosts.map((one) => new URL(`${scheme}://${one}`).origin)
  }))]
}

/** Who sent a request, and to which address, by the peer of its connection and by its headers. */
export const resolve = (headers: Headers, peerAddress: string | undefined, isTrusted: IsTrusted): Origin => {
  const peer = readAddress(peerAddress)
  const isForwarded = headerNames.some((name) => headers[name] !== undefined)
  if (peer === undefined || !isTrusted(peer)) {
    return {
      client: Option.fromUndefinedOr(peer),
      bases: [],
      doubts: new Set(isForwarded ? ["peer not trusted"] as const : [])
    }
  }
  if (!isForwarded) return { client: Option.some(peer), bases: [], doubts: new Set(["nothing forwarded"] as const) }
  const hasX = headerNames.some((name) => name !== "forwarded" && headers[name] !== undefined)
  const standard = headers["forwarded"] === undefined ? undefined : fromForwarded(headers["forwarded"], peer, isTrusted)
  const told = hasX || standard === undefined ? fromXForwarded(headers, peer, isTrusted) : standard
  if (standard !== undefined && told !== standard) {
    const isOther = disagree(headers["x-forwarded-for"] === undefined ? undefined : told.client, standard.client)
      || disagree(told.schemes[0], standard.schemes[0])
      || disagree(told.host ?? headers["host"], standard.host)
    // What can't be read agrees with nothing.
    if (isOther || standard.doubts.length > 0) {
      return { client: Option.some(peer), bases: [], doubts: new Set(["headers disagree"] as const) }
    }
  }
  const client = told.client ?? peer
  const doubts = new Set<Doubt>(told.doubts)
  if (told.schemes.length === 0) doubts.add("no scheme")
  if (told.schemes.length > 1) doubts.add("schemes differ")
  if (isPrivate(client) && !isTrusted(client)) doubts.add("private client")
  const host = told.host ?? headers["host"]
  const bases = host !== undefined && isHost(host) ? basesOf([...told.schemes, "https", "http"], host, told.port) : []
  return { client: Option.some(client), bases, doubts }
}
