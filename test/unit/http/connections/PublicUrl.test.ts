import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AppConfig } from "../../../../src/config/AppConfig.ts"
import * as PublicUrl from "../../../../src/http/connections/PublicUrl.ts"
import { exactly } from "../../../support/service/TestConfig.ts"

describe("without PUBLIC_URL, the address of a service that listens on", () => {
  it.effect.each([
    ["127.0.0.1", "http://127.0.0.1:8123"],
    ["localhost", "http://localhost:8123"],
    ["0.0.0.0", "http://127.0.0.1:8123"],
    ["::", "http://[::1]:8123"],
    ["0:0:0:0:0:0:0:0", "http://[::1]:8123"],
    ["::1", "http://[::1]:8123"],
    ["[::1]", "http://[::1]:8123"],
    ["2001:DB8::7", "http://[2001:db8::7]:8123"],
    ["fe80::1%eth0", "http://[fe80::1]:8123"]
  ] as const)("%s is %s", ([SERVER_HOST, expected]) =>
    Effect.gen(function*() {
      const { server } = yield* AppConfig
      assert.deepStrictEqual(PublicUrl.basesOf(server, 8123)({}, "127.0.0.1"), [expected])
    }).pipe(Effect.provide(exactly({ SERVER_HOST }))))
})
