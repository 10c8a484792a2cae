/** Processes of the service behind a balancer, as a cluster has them. */
import { Effect, FileSystem } from "effect"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import * as Balancer from "./Balancer.ts"
import * as Process from "./Process.ts"
import { apiKey, authToken, ourNumber } from "./Service.ts"

/** Starts a process of the service behind the balancer. */
export const startBehind = Effect.fnUntraced(function*(balancer: Balancer.Balancer, env: Readonly<Record<string, string>>) {
  const simulator = yield* Simulator
  const fs = yield* FileSystem.FileSystem
  const started = yield* Process.start({
    env: {
      SERVER_PORT: "0",
      PUBLIC_URL: balancer.url,
      TWILIO_ACCOUNT_SID: simulator.accountSid,
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_PHONE_NUMBER: ourNumber,
      TWILIO_API_BASE_URL: simulator.baseUrl,
      API_KEY: apiKey,
      AGENT: "receptionist",
      DATA_DIR: yield* fs.makeTempDirectoryScoped(),
      ...env
    }
  })
  yield* started.url
  return started
})

/** A free port, chosen here because a process logs only its PUBLIC_URL. */
export const freePort = Effect.map(Effect.scoped(Balancer.make), ({ url }) => Number(new URL(url).port))
