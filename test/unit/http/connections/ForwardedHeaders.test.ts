import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { type Doubt, type Headers, isInNetworks, readAddress, readForwarded, resolve } from "../../../../src/http/connections/ForwardedHeaders.ts"

/** The networks of the load balancer and the proxy before the service. The client is in none of them. */
const isTrusted = isInNetworks(["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"])
const lb = "10.0.0.1"
const client = "203.0.113.7"
const host = "calls.example.com"

const see = (headers: Readonly<Record<string, unknown>>, peer: string | undefined = "127.0.0.1") => {
  const { bases, client, doubts } = resolve(headers as Headers, peer, isTrusted)
  return { client: Option.getOrUndefined(client), base: bases.at(0), bases, doubts: [...doubts] }
}

describe("readAddress", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    [" 203.0.113.7 ", "203.0.113.7"],
    ["203.0.113.7:4711", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["[2001:db8::7]", "2001:db8::7"],
    ["[2001:db8::7]:4711", "2001:db8::7"],
    ["[::ffff:203.0.113.7]:80", "203.0.113.7"],
    ["2001:DB8:0:0::7", "2001:db8::7"],
    ["fe80::1%eth0", "fe80::1"],
    ["unknown", undefined],
    ["_hidden", undefined],
    ["203.0.113.007", undefined],
    ["203.0.113.7.example", undefined],
    ["", undefined]
  ])("of %j is %s", (text, address) => assert.strictEqual(readAddress(text), address))
})

describe("isInNetworks", () => {
  it.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.5/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["::ffff:10.0.0.0/104", "10.255.0.1", true],
    ["::ffff:10.0.0.0/104", "11.0.0.1", false],
    ["::/0", "2001:db8::1", true],
    ["2001:db8::/32", "2001:db8::1", true],
    ["2001:db8::1/128", "2001:db8::2", false],
    ["0.0.0.0/0", "192.0.2.1", true]
  ])("in %s of %s: %s", (network, address, expected) => assert.strictEqual(isInNetworks([network])(address), expected))

  it("has no address in an empty list", () => assert.isFalse(isInNetworks([])("127.0.0.1")))
})

describe("what trusted proxies forward", () => {
  const https = `https://${host}`
  const cases: ReadonlyArray<readonly [what: string, headers: Headers, base: string | undefined, client: string]> = [
    ["one proxy", { "x-forwarded-for": client, "x-forwarded-proto": "https", "x-forwarded-host": host }, https, client],
    ["one proxy that passes Host on", { host, "x-forwarded-for": client, "x-forwarded-proto": "https" }, https, client],
    ["two proxies, one scheme", { host, "x-forwarded-for": `${client}, ${lb}`, "x-forwarded-proto": "https" }, https, client],
    ["two proxies, two schemes", { host, "x-forwarded-for": `${client}, ${lb}`, "x-forwarded-proto": "https,http" }, https, client],
    ["two proxies, two schemes, two hosts", {
      "x-forwarded-for": `${client},${lb}`,
      "x-forwarded-proto": "https, http",
      "x-forwarded-host": `${host}, inner.example`
    }, https, client],
    ["three proxies, two schemes", { host, "x-forwarded-for": `${client}, ${lb}, 10.0.0.2`, "x-forwarded-proto": "https, http" }, https, client],
    ["no addresses", { host, "x-forwarded-proto": "https" }, https, "127.0.0.1"],
    ["no addresses, two schemes", { host, "x-forwarded-proto": "https,http" }, https, "127.0.0.1"],
    ["a scheme in capitals", { host, "x-forwarded-for": client, "x-forwarded-proto": "HTTPS" }, https, client],
    ["the scheme of a WebSocket", { host, "x-forwarded-for": client, "x-forwarded-proto": "wss" }, https, client],
    ["plain http", { host, "x-forwarded-for": client, "x-forwarded-proto": "http" }, `http://${host}`, client],
    ["a port in the host", { "x-forwarded-host": `${host}:8443`, "x-forwarded-proto": "https" }, `${https}:8443`, "127.0.0.1"],
    ["the scheme's own port in the host", { "x-forwarded-host": `${host}:443`, "x-forwarded-proto": "https" }, https, "127.0.0.1"],
    ["a port", { host, "x-forwarded-port": "8443", "x-forwarded-proto": "https" }, `${https}:8443`, "127.0.0.1"],
    ["a port beside that of the host", { host: `${host}:9443`, "x-forwarded-port": "8443", "x-forwarded-proto": "https" }, `${https}:9443`, "127.0.0.1"],
    ["the port of the way inside in Host, and the port of the scheme", { host: `${host}:8000`, "x-forwarded-port": "443", "x-forwarded-proto": "https" }, https, "127.0.0.1"],
    ["the port of the way inside", { host, "x-forwarded-port": "80", "x-forwarded-proto": "https" }, https, "127.0.0.1"],
    ["no scheme", { host, "x-forwarded-for": client }, https, client],
    ["an IPv6 client with a port", { host, "x-forwarded-for": "[2001:db8::7]:4711", "x-forwarded-proto": "https" }, https, "2001:db8::7"],
    ["an IPv4 client with a port", { host, "x-forwarded-for": `${client}:4711`, "x-forwarded-proto": "https" }, https, client],
    ["empty items", { host, "x-forwarded-for": `${client},, ${lb},`, "x-forwarded-proto": ",https" }, https, client],
    ["trusted addresses only", { host, "x-forwarded-for": `10.9.9.9, ${lb}`, "x-forwarded-proto": "https" }, https, "10.9.9.9"],
    ["an unknown client", { host, "x-forwarded-for": `unknown, ${lb}`, "x-forwarded-proto": "https" }, https, lb],
    ["Forwarded", { forwarded: `for=${client};proto=https;host=${host}` }, https, client],
    ["Forwarded, two proxies", { forwarded: `for=${client};proto=https;host=${host}, for=${lb};proto=http;host=inner.example` }, https, client],
    ["Forwarded, where only the outer proxy tells the scheme", { host, forwarded: `for=${client};proto=https,for=${lb}` }, https, client],
    ["Forwarded, where only the inner proxy tells the host", { forwarded: `for=${client};proto=https, for=${lb};host=${host}` }, https, client],
    ["Forwarded with quotes, brackets and capitals", { forwarded: `For="[2001:db8::7]:4711" ; PROTO=HTTPS;host="${host}:8443"` }, `${https}:8443`, "2001:db8::7"],
    ["Forwarded without for", { forwarded: `proto=https;host=${host}` }, https, "127.0.0.1"],
    ["Forwarded of a hidden client", { forwarded: `for=_hidden;proto=https;host=${host}, for=${lb}` }, https, lb],
    ["both families that agree", {
      "x-forwarded-for": client,
      "x-forwarded-proto": "https",
      "x-forwarded-host": host,
      forwarded: `for=${client};proto=https;host=${host}`
    }, https, client],
    ["both families, one of which writes the scheme's own port", {
      "x-forwarded-for": client,
      "x-forwarded-proto": "https",
      "x-forwarded-host": host,
      forwarded: `for=${client};proto=https;host="${host}:443"`
    }, https, client],
    ["both families, one of which says less", { host, "x-forwarded-for": client, "x-forwarded-proto": "https", forwarded: `for=${client}` }, https, client]
  ]
  it.each(cases)("is believed: %s", (_, headers, base, address) => {
    const seen = see(headers)
    assert.deepStrictEqual([seen.base, seen.client], [base, address])
  })

  it("is believed if the peer's IPv4 address comes as an IPv6 address", () => {
    assert.strictEqual(see({ host, "x-forwarded-proto": "https", "x-forwarded-for": client }, "::ffff:127.0.0.1").base, https)
    assert.strictEqual(see({ host, "x-forwarded-proto": "https" }, "2001:db8:1::5").base, https)
  })

  it("also gives the URLs with the other scheme and without the port, one of which a signature may prove", () => {
    assert.deepStrictEqual(see({ host, "x-forwarded-proto": "http" }).bases, [`http://${host}`, https])
    assert.deepStrictEqual(see({ host, "x-forwarded-proto": "https", "x-forwarded-port": "8443" }).bases, [
      `${https}:8443`,
      https,
      `http://${host}:8443`,
      `http://${host}`
    ])
    assert.deepStrictEqual(see({ host: `${host}:9443`, "x-forwarded-proto": "https", "x-forwarded-port": "8443" }).bases.slice(0, 2), [`${https}:9443`, `${https}:8443`])
    assert.deepStrictEqual(see({ host: `${host}:9443`, "x-forwarded-proto": "https", "x-forwarded-port": "443" }).bases.slice(0, 2), [https, `${https}:9443`])
  })
})

describe("what a client claims", () => {
  it("is not believed if the peer is not trusted, or has no address", () => {
    const headers = { host, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", forwarded: "for=192.0.2.1" }
    assert.deepStrictEqual(see(headers, client), { client, base: undefined, bases: [], doubts: ["peer not trusted"] })
    assert.deepStrictEqual(see({ host }, client).doubts, [])
    for (const peer of ["", "/run/socket"]) assert.isUndefined(see(headers, peer).client)
  })

  it.each([
    ["an address", { host, "x-forwarded-for": `192.0.2.66, ${client}`, "x-forwarded-proto": "https" }],
    ["the address of a trusted proxy", { host, "x-forwarded-for": `192.0.2.66, ${lb}, ${client}`, "x-forwarded-proto": "https" }],
    ["no address", { host, "x-forwarded-for": `unknown, ${client}`, "x-forwarded-proto": "https" }],
    ["all headers", {
      "x-forwarded-for": `192.0.2.66, ${client}, ${lb}`,
      "x-forwarded-proto": "http, https, http",
      "x-forwarded-host": `evil.example, ${host}, inner.example`,
      "x-forwarded-port": "1, 443, 80"
    }],
    ["an element of Forwarded", { forwarded: `for=192.0.2.66;host=evil.example;proto=http, for=${client};host=${host};proto=https, for=${lb}` }]
  ])("is not used if it stands left of what the proxies wrote: %s", (_, headers) => {
    const seen = see(headers)
    assert.deepStrictEqual([seen.base, seen.client], [`https://${host}`, client])
  })

  it.each([
    ["another client", { host, "x-forwarded-for": client, "x-forwarded-proto": "https", forwarded: "for=192.0.2.66" }],
    ["another scheme", { host, "x-forwarded-for": client, "x-forwarded-proto": "https", forwarded: "proto=http" }],
    ["another host", { host, "x-forwarded-for": client, "x-forwarded-proto": "https", forwarded: "host=evil.example" }],
    ["rubbish", { host, "x-forwarded-for": client, "x-forwarded-proto": "https", forwarded: "for=\"" }]
  ])("in the other family of headers makes the service ignore both families: %s", (_, headers) => {
    assert.deepStrictEqual(see(headers), { client: "127.0.0.1", base: undefined, bases: [], doubts: ["headers disagree"] })
  })

  const Header = Schema.optionalKey(Schema.String)
  const claimed = Schema.Struct({ "x-forwarded-for": Header, "x-forwarded-host": Header, "x-forwarded-port": Header, forwarded: Header })

  it.prop("never becomes the client's address or the host if the peer is not trusted", [claimed], ([headers]) => {
    const seen = see({ host, ...headers }, client)
    assert.deepStrictEqual([seen.client, seen.bases], [client, []])
  })

  const Address = Schema.Literals(["192.0.2.66", "10.0.0.9", "unknown", "2001:db8:1::9", ",", "\""])
  it.prop("never changes the client, whatever stands before the proxy's own entry", [Schema.Array(Address)], ([before]) => {
    assert.strictEqual(see({ host, "x-forwarded-for": [...before, client, lb].join(", ") }).client, client)
  })

  it.prop("never throws, and gives only addresses", [Schema.Record(Schema.Literals(["host", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"]), Schema.String)], ([headers]) => {
    const seen = see(headers)
    for (const base of seen.bases) assert.strictEqual(new URL(base).origin, base)
    if (seen.client !== undefined) assert.strictEqual(readAddress(seen.client), seen.client)
  })
})

describe("a doubt about the headers is reported", () => {
  const cases: ReadonlyArray<readonly [headers: Headers, ...doubts: ReadonlyArray<Doubt>]> = [
    [{ host }, "nothing forwarded"],
    [{ host, "x-forwarded-for": client }, "no scheme"],
    [{ host, "x-forwarded-for": client, "x-forwarded-proto": "ftp" }, "unreadable", "no scheme"],
    [{ host, "x-forwarded-proto": "https", "x-forwarded-host": "a b" }, "unreadable"],
    [{ host, "x-forwarded-proto": "https", "x-forwarded-host": `user@${host}` }, "unreadable"],
    [{ host, "x-forwarded-proto": "https", "x-forwarded-host": `${host}/path` }, "unreadable"],
    [{ host, "x-forwarded-proto": "https", "x-forwarded-port": "99999" }, "unreadable"],
    [{ host, forwarded: "for=\"[::1" }, "unreadable", "no scheme"],
    [{ host, "x-forwarded-proto": "https,http" }, "schemes differ"],
    [{ host, "x-forwarded-for": `${client}, 192.168.1.1`, "x-forwarded-proto": "https" }, "private client"],
    [{ host, "x-forwarded-for": client, "x-forwarded-proto": "https" }]
  ]
  it.each(cases.map(([headers, ...doubts]) => [headers, doubts] as const))("%j: %j", (headers, doubts) => {
    assert.sameMembers(see(headers).doubts, doubts as Array<Doubt>)
  })
})

describe("readForwarded", () => {
  const read = (text: string) => readForwarded(text)?.map((element) => Object.fromEntries(element))
  it.each([
    ["for=192.0.2.60", [{ for: "192.0.2.60" }]],
    ["For=\"[2001:db8:cafe::17]:4711\"", [{ for: "[2001:db8:cafe::17]:4711" }]],
    ["for=192.0.2.60;proto=http;by=203.0.113.43", [{ for: "192.0.2.60", proto: "http", by: "203.0.113.43" }]],
    ["for=192.0.2.43, for=198.51.100.17", [{ for: "192.0.2.43" }, { for: "198.51.100.17" }]],
    ["for=\"a,b;c=\\\"d\\\\\"", [{ for: "a,b;c=\"d\\" }]],
    [" , ;for=a ; ; host=b ,", [{ for: "a", host: "b" }]],
    ["", []],
    ["for", undefined],
    ["for=a b", undefined],
    ["for=\"a", undefined],
    ["for=a;for=b", undefined]
  ])("of %j is %j", (text, elements) => assert.deepStrictEqual(read(text), elements))

  it("is fast for any text that fits into a header", () => {
    for (const text of [" ".repeat(16_000) + "!", "for=\"" + "\\a".repeat(8000), "a=".repeat(8000), ",;".repeat(8000)]) {
      const started = performance.now()
      readForwarded(text)
      assert.isBelow(performance.now() - started, 1000)
    }
  })
})
