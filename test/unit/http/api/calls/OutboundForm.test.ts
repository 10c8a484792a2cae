import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OutboundForm from "../../../../../src/http/api/calls/OutboundForm.ts"

const to = "+14155550123"

/** What becomes of a request with this `webhook_url` in its body, or in its query. */
const detailOf = (webhookUrl: string, { isPrivateAllowed = false, isQuery = false } = {}) =>
  (isQuery
    ? OutboundForm.read("", { to_number: to, webhook_url: webhookUrl }, isPrivateAllowed)
    : OutboundForm.read(JSON.stringify({ to, webhook_url: webhookUrl }), {}, isPrivateAllowed)).pipe(
      Effect.match({ onSuccess: ({ settings }) => `taken: ${settings.webhookUrl}`, onFailure: ({ detail, status }) => `${status} ${detail}` })
    )

describe("the webhook_url of a request", () => {
  it.effect.each([
    "https://localhost/hooks", "https://127.0.0.1/hooks", "https://0x7f.1/hooks", "https://10.0.0.7/hooks", "https://169.254.169.254/", "https://[::1]/hooks", "https://[::ffff:10.0.0.7]/"
  ])("is refused at once if it is of this machine or a private network: %s", (url) =>
    Effect.gen(function*() {
      for (const isQuery of [false, true]) assert.match(yield* detailOf(url, { isQuery }), /^400 "webhook_url" is in a private network or on this machine\. Use a public address/)
      assert.strictEqual(yield* detailOf(url, { isPrivateAllowed: true }), `taken: ${url}`)
    }))

  it.effect.each([
    ["http://example.com/hooks", /^400 "webhook_url" begins with http:\/\//],
    ["example.com", /^400 "webhook_url" is not an http or https URL\.$/],
    ["https://user:hunter2@example.com/", /^400 "webhook_url" has a user name or a password/],
    [`https://example.com/${"a".repeat(2048)}`, /^400 "webhook_url" has more than 2048 characters\.$/]
  ] as ReadonlyArray<readonly [string, RegExp]>)("is refused with its field's name: %s", ([url, expected]) =>
    Effect.map(detailOf(url), (detail) => {
      assert.match(detail, expected)
      assert.notInclude(detail, "hunter2")
    }))

  it.effect("that has a host name is accepted without a look-up", () =>
    Effect.map(detailOf("https://receiver.internal/hooks"), (detail) => assert.strictEqual(detail, "taken: https://receiver.internal/hooks")))
})
