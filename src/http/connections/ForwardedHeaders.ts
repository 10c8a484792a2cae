/**
 * Reads the headers in which trusted proxies say who sent a request, and to which address. {@link PublicUrl} uses these pure functions.
 *
 * A request goes client → proxy → … → proxy → this service. Each proxy may add headers that say who connected to it, and how. The rules:
 *
 * 1. The headers count only if the peer of the connection is a trusted proxy.
 * 2. `X-Forwarded-For`, or the `for` of RFC 7239's `Forwarded`, is read from the right, past the addresses of trusted proxies. The
 *    first other address is the client. Everything left of it is the client's own claim.
 * 3. The lists in `X-Forwarded-Proto`, `-Host` and `-Port` are aligned with the list of addresses from the right. A shorter list belongs to
 *    the outermost trusted proxies. A single value always counts.
 * 4. Without addresses to align with, the scheme is `https` if any proxy saw it, since TLS ends at the outermost proxy. Of the hosts, the last
 *    one counts.
 * 5. Without a forwarded host, the `Host` header that the trusted proxy passed on counts.
 * 6. If both families of headers are there, they must agree, since a proxy that writes one family may pass on the client's own headers of
 *    the other. Headers that disagree are all ignored.
 *
 * Proxies are often wrong about the scheme and the port, because an inner proxy writes the scheme and the port at which it was reached
 * itself. So the result has base URLs with both schemes, the likeliest first. Twilio's signature proves which base URL is right. The host is
 * never guessed.
 */
import { Option, Result } from "effect"
import { NetAddress } from "effect/net"
import { BlockList } from "node:net"

export type Headers = Readonly<Record<string, string | undefined>>

/** Why the address that the client called may be unknown or wrong. */
export type Doubt =
  /** Forwarding headers came from a peer that is not trusted. */
  | "peer not trusted"
  /** The trusted peer forwarded nothing. */
  | "nothing forwarded"
  | "no scheme"
  | "schemes differ"
  | "unreadable"
  /** `Forwarded` and `X-Forwarded-*` say different things. */
  | "headers disagree"
  /** The client's address is private. Usually this client is a proxy that `TRUSTED_PROXIES` does not name. */
  | "private client"

export interface Origin {
  /** The right-most address that is not a trusted proxy's; without one, the address of the outermost known proxy. */
  readonly client: Option.Option<string>
  /** The base URLs (`https://host[:port]`) that the client may have called, the likeliest first. Empty if they are not known. */
  readonly bases: ReadonlyArray<string>
  readonly doubts: ReadonlySet<Doubt>
}

/** The headers that are read. */
export const headerNames = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"] as const

// -- Addresses ----------------------------------------------------------------------------------

/** An IP address in canonical form, without port, brackets and zone; an IPv4-mapped address becomes IPv4. `undefined` for other text. */
export const readAddress = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const bare = text.trim().replace(/^\[([^\]]*)\](?::\d{1,5})?$/, "$1").replace(/%.*$/, "")
  const parsed = NetAddress.ipFromString(bare)
  if (Result.isSuccess(parsed)) return NetAddress.formatIp(NetAddress.toCanonical(parsed.success))
  const withoutPort = /^([\d.]+):\d{1,5}$/.exec(bare)
  return withoutPort === null ? undefined : readAddress(withoutPort[1])
}

const familyOf = (address: string) => address.includes(":") ? "ipv6" : "ipv4"

type IsTrusted = (address: string) => boolean

/** Returns a function that says whether an address is in one of these networks, each as `address/prefix`. */
export const isInNetworks = (networks: ReadonlyArray<string>): IsTrusted => {
  const blockList = new BlockList()
  for (const network of networks) {
    const [text, prefix] = network.split("/")
    // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
    const isMapped = text.includes(":") && Number(prefix) >= 96 && familyOf(readAddress(text) ?? text) === "ipv4"
    if (isMapped) blockList.addSubnet(readAddress(text) ?? text, Number(prefix) - 96, "ipv4")
    else blockList.addSubnet(text, Number(prefix), familyOf(text))
  }
  return (address) => blockList.check(address, familyOf(address))
}

const isPrivate = isInNetworks(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"])

// -- The families of headers --------------------------------------------------------------------

/** What one family of headers (`Forwarded`, or `X-Forwarded-*`) says. */
interface Claims {
  readonly client: string | undefined
  /** The outermost trusted proxy's value first. */
  readonly schemes: ReadonlyArray<string>
  readonly host: string | undefined
  readonly port: string | undefined
  readonly doubts: ReadonlyArray<Doubt>
}

const list = (value: string | undefined): ReadonlyArray<string> =>
  value === undefined ? [] : value.split(",").map((item) => item.trim()).filter((item) => item !== "")

/** The address that connected to the outermost trusted proxy, and its position in the list, from the right. */
const findClient = (hops: ReadonlyArray<string | undefined>, peer: string, isTrusted: IsTrusted) => {
  let known = peer
  for (let index = hops.length - 1; index >= 0; index--) {
    const address = readAddress(hops[index])
    // `unknown`, `_hidden` or unreadable text. The sender is not known, so the proxy that was read last stands for the client.
    if (address === undefined) return { client: known, fromRight: hops.length - 1 - index }
    if (!isTrusted(address) || index === 0) return { client: address, fromRight: hops.length - 1 - index }
    known = address
  }
  return { client: known, fromRight: undefined }
}

/** Traefik and others write `ws` and `wss` for the upgrade of a WebSocket. */
const readScheme = (text: string): string | undefined => {
  const scheme = /^(?:(https|wss)|http|ws)$/i.exec(text)
  return scheme === null ? undefined : scheme[1] === undefined ? "http" : "https"
}

const hostShape = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i

const isHost = (text: string) => hostShape.test(text) && URL.canParse(`http://${text}`)

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536

const fromXForwarded = (headers: Headers, peer: string, isTrusted: IsTrusted): Claims => {
  const hops = list(headers["x-forwarded-for"])
  const { client, fromRight } = findClient(hops, peer, isTrusted)
  /** The value that belongs to the client's address (rule 3). `unaligned`: the value if there are no addresses to align with (rule 4). */
  const pick = (values: ReadonlyArray<string>, unaligned = values.at(-1)): string | undefined =>
    values.length <= 1 ? values[0] : fromRight === undefined ? unaligned : values[Math.max(0, values.length - 1 - fromRight)]
  const schemes = list(headers["x-forwarded-proto"]).map(readScheme)
  const readable = schemes.filter((scheme) => scheme !== undefined)
  const likeliest = schemes.length === readable.length ? pick(readable, readable.find((scheme) => scheme === "https") ?? "http") : undefined
  const hosts = list(headers["x-forwarded-host"])
  const host = pick(hosts)
  const ports = list(headers["x-forwarded-port"])
  const port = pick(ports)
  const isReadable = readable.length === schemes.length && (host === undefined || isHost(host)) && (port === undefined || isPort(port))
  return {
    client,
    schemes: [...new Set(likeliest === undefined ? readable : [likeliest, ...readable])],
    host: host !== undefined && isHost(host) ? host : undefined,
    port: port !== undefined && isPort(port) ? port : undefined,
    doubts: isReadable ? [] : ["unreadable"]
  }
}

type Element = ReadonlyMap<string, string>

/** The elements of a `Forwarded` header (RFC 7239), such as `for="[2001:db8::1]:4711";proto=https, for=10.0.0.1`; `undefined` for other text. Exported for tests. */
export const readForwarded = (header: string): ReadonlyArray<Element> | undefined => {
  const elements: Array<Map<string, string>> = [new Map()]
  // Sticky: each match is one parameter with the separator after it, and begins where the last match ended.
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

const fromForwarded = (header: string, peer: string, isTrusted: IsTrusted): Claims => {
  const elements = readForwarded(header)
  if (elements === undefined || elements.length === 0) {
    return { client: undefined, schemes: [], host: undefined, port: undefined, doubts: ["unreadable"] }
  }
  const hops = elements.map((element) => element.get("for"))
  const { client, fromRight = 0 } = findClient(hops, peer, isTrusted)
  // The outermost trusted proxy wrote the first of these elements. A value that it lacks is taken from the next proxy.
  const trusted = elements.slice(elements.length - 1 - fromRight)
  const schemes = trusted.flatMap((element) => element.get("proto") ?? [])
  const readable = schemes.map(readScheme).filter((scheme) => scheme !== undefined)
  const host = trusted.map((element) => element.get("host")).find((value) => value !== undefined)
  return {
    client: hops.some((hop) => hop !== undefined) ? client : undefined,
    schemes: [...new Set(readable)],
    host: host !== undefined && isHost(host) ? host : undefined,
    port: undefined,
    doubts: readable.length === schemes.length && (host === undefined || isHost(host)) ? [] : ["unreadable"]
  }
}

// -- Both families together ---------------------------------------------------------------------

const disagree = (one: string | undefined, other: string | undefined) =>
  one !== undefined && other !== undefined && one.toLowerCase() !== other.toLowerCase()

/** The host without a standard port: `example.com:443` and `example.com` are the same address. */
const withoutStandardPort = (host: string | undefined) => host?.replace(/:(?:443|80)$/, "")

const standardPort: Readonly<Record<string, string>> = { https: "443", http: "80" }

const basesOf = (schemes: ReadonlyArray<string>, host: string, port: string | undefined): ReadonlyArray<string> => {
  const [, name = host, ownPort] = /^(.*):(\d+)$/.exec(host) ?? []
  return [...new Set(schemes.flatMap((scheme) => {
    // `https` on port 80, or `http` on port 443: the port is an inner proxy's.
    const isInnerPort = port === standardPort[scheme === "https" ? "http" : "https"]
    const withPort = port === undefined || isInnerPort ? [] : [`${name}:${port}`]
    // Proxies also write their own port into the host. A forwarded port that is the scheme's own is likelier.
    const isHostFirst = ownPort !== undefined && port !== standardPort[scheme]
    const hosts = isHostFirst ? [host, ...withPort] : [...withPort, host]
    return hosts.map((one) => new URL(`${scheme}://${one}`).origin)
  }))]
}

/** Who sent a request and to which address, from the peer's address and the request's headers. */
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
  const claims = hasX || standard === undefined ? fromXForwarded(headers, peer, isTrusted) : standard
  if (standard !== undefined && claims !== standard) {
    const disagrees = disagree(headers["x-forwarded-for"] === undefined ? undefined : claims.client, standard.client)
      || disagree(claims.schemes[0], standard.schemes[0])
      || disagree(withoutStandardPort(claims.host ?? headers["host"]), withoutStandardPort(standard.host))
    // A header that can't be read counts as disagreement.
    if (disagrees || standard.doubts.length > 0) {
      return { client: Option.some(peer), bases: [], doubts: new Set(["headers disagree"] as const) }
    }
  }
  const client = claims.client ?? peer
  const doubts = new Set<Doubt>(claims.doubts)
  if (claims.schemes.length === 0) doubts.add("no scheme")
  if (claims.schemes.length > 1) doubts.add("schemes differ")
  if (isPrivate(client) && !isTrusted(client)) doubts.add("private client")
  const host = claims.host ?? headers["host"]
  const bases = host !== undefined && isHost(host) ? basesOf([...claims.schemes, "https", "http"], host, claims.port) : []
  return { client: Option.some(client), bases, doubts }
}
