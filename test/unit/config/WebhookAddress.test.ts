import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { isPrivate } from "../../../src/config/PrivateAddresses.ts"
import * as WebhookAddress from "../../../src/config/WebhookAddress.ts"

const why = (text: string, isPrivateAllowed = false) => Result.match(WebhookAddress.read(text, isPrivateAllowed), { onSuccess: () => "fine", onFailure: (refused) => refused.why })

describe("an address for webhooks", () => {
  it.each([
    ["https://example.com/hooks?token=1", "fine"],
    ["https://93.184.216.34:8443/", "fine"],
    ["https://[2606:2800:220:1::1]/", "fine"],
    ["http://example.com/hooks", "plain"],
    ["ftp://example.com/", "noUrl"],
    ["hooks", "noUrl"],
    ["https://user@example.com/", "credentials"],
    ["https://:secret@example.com/", "credentials"],
    ["https://localhost/", "private"],
    ["https://api.localhost./", "private"],
    ["https://127.0.0.1/", "private"],
    ["https://0x7f.1/", "private"],
    ["https://2130706433/", "private"],
    ["https://10.1.2.3/", "private"],
    ["https://169.254.169.254/latest/meta-data", "private"],
    ["https://[::1]/", "private"],
    ["https://[::ffff:127.0.0.1]/", "private"],
    ["https://[fd00::1]/", "private"],
    ["https://[fe80::1]/", "private"],
    [`https://example.com/${"a".repeat(2048)}`, "tooLong"]
  ])("%s: %s", (text, expected) => assert.strictEqual(why(text), expected))

  it.each([
    ["http://127.0.0.1:8080/hooks", "fine"],
    ["http://receiver/hooks", "fine"],
    ["http://user:secret@receiver/", "credentials"]
  ])("%s if private ones are allowed: %s", (text, expected) => assert.strictEqual(why(text, true), expected))

  it("has no fragment", () => assert.strictEqual(Result.getOrThrow(WebhookAddress.read("https://example.com/a#b", false)).href, "https://example.com/a"))

  it("is not repeated when it is refused", () => {
    const refused = WebhookAddress.read("https://user:hunter2@example.com/", false)
    assert.notInclude(Result.isFailure(refused) ? refused.failure.message : "hunter2", "hunter2")
  })
})

describe("an IP address", () => {
  it.each(["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.9.9.9", "169.254.169.254", "172.31.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"])("%s is private", (address) =>
    assert.isTrue(isPrivate(address)))

  it.each(["::", "::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "fc00::1", "fe80::1%eth0", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2001::1", "no address"])("%s is private", (address) =>
    assert.isTrue(isPrivate(address)))

  it.each(["8.8.8.8", "172.32.0.1", "192.167.0.1", "223.255.255.1", "2606:4700::1111", "2a00:1450:4001::1"])("%s is public", (address) => assert.isFalse(isPrivate(address)))
})
