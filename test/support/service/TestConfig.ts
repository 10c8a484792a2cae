/** Settings and identities for tests. Values that a test does not give are the defaults. */
import { ConfigProvider, Layer, Redacted } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import { Credentials } from "../../../src/config/Credentials.ts"
import { AccountSid } from "../../../src/domain/Sid.ts"
import { accountSid, authToken } from "../conversation/Samples.ts"

/** `AppConfig` from these variables only. */
export const exactly = (env: Record<string, string>) =>
  AppConfig.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

/** `AppConfig` from these variables, with the `echo` agent, which needs no engines, unless they name another. */
export const config = (env: Record<string, string> = {}) => exactly({ AGENT: "echo", ...env })

/** Credentials of an account that Twilio knows, unless the options say otherwise. */
export const identity = (options: {
  readonly isLocalAccount?: boolean
  readonly authTokens?: readonly [string, ...Array<string>]
} = {}) => {
  const [first, ...others] = options.authTokens ?? [authToken]
  return Layer.succeed(
    Credentials,
    Credentials.of({
      account: {
        accountSid: AccountSid.make(accountSid),
        authTokens: [Redacted.make(first), ...others.map((token) => Redacted.make(token))]
      },
      isLocalAccount: options.isLocalAccount ?? false,
      apiKey: Redacted.make("api-key-of-a-test")
    })
  )
}
