/**
 * IP addresses that are not on the public internet: addresses of this machine, of private networks, and reserved addresses.
 *
 * The source is IANA's registries of special addresses (RFC 6890). In IPv6, only 2000::/3 is public. An IPv6 address that contains an IPv4
 * address always counts as private, since translators between the two also reach private networks.
 */
import { BlockList, isIP } from "node:net"

const privateV4 = [
  "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
  "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"
]

/** The first three are everything outside of 2000::/3. The others are special networks inside it: protocols (with Teredo), documentation, 6to4. */
const privateV6 = ["::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16"]

const listOf = (networks: ReadonlyArray<string>, family: "ipv4" | "ipv6"): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address, prefix] = network.split("/")
    list.addSubnet(address, Number(prefix), family)
  }
  return list
}

const v4 = listOf(privateV4, "ipv4")
const v6 = listOf(privateV6, "ipv6")

/** Whether an address is not on the public internet. Text that is not an IP address counts as private, too. */
export const isPrivate = (address: string): boolean => {
  switch (isIP(address)) {
    case 4:
      return v4.check(address, "ipv4")
    case 6:
      return v6.check(address.replace(/%.*$/, ""), "ipv6")
    default:
      return true
  }
}
