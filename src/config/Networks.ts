/**
 * Networks of IP addresses as the operator writes them: an address, a CIDR network, or a name for several networks.
 */
import { Option } from "effect"
import { isIPv4, isIPv6 } from "node:net"

/** Names for groups of networks. All of them but `private` are also names in the web framework Express. */
const groups: Readonly<Record<string, ReadonlyArray<string>>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  linklocal: ["169.254.0.0/16", "fe80::/10"]
}

/** The CIDR networks of one entry: `10.0.0.0/8`, `192.0.2.1` (as `192.0.2.1/32`), `[::1]` (as `::1/128`), `loopback`. */
export const parse = (text: string): Option.Option<ReadonlyArray<string>> => {
  const group = groups[text.toLowerCase()]
  if (group !== undefined && Object.hasOwn(groups, text.toLowerCase())) return Option.some(group)
  const match = /^(?:\[([^\]]+)\]|([^/[\]%]+))(?:\/(\d{1,3}))?$/.exec(text)
  if (match === null) return Option.none()
  const address = match[1] ?? match[2]
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  const prefix = match[3] === undefined ? bits : Number(match[3])
  return bits === 0 || prefix > bits ? Option.none() : Option.some([`${address}/${prefix}`])
}

/** Whether a network contains every address of its family. */
export const isEverything = (network: string): boolean => network.endsWith("/0")
