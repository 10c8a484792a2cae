/**
 * Every variable that this service reads. Each group of variables has a file, which also turns their values into settings.
 *
 * Add a new variable to the file of its group and to `.env.example`, which explains the variables to the operator. A test compares the two.
 */
import { agentVariables } from "./AgentVariables.ts"
import { deliveryVariables } from "./DeliveryVariables.ts"
import { diallingVariables } from "./DiallingVariables.ts"
import { engineVariables } from "./EngineVariables.ts"
import { limitVariables } from "./LimitVariables.ts"
import { logVariables } from "./LogVariables.ts"
import { processVariables } from "./ProcessVariables.ts"
import { recordingVariables } from "./RecordingVariables.ts"
import { serverVariables } from "./ServerVariables.ts"
import { storeVariables } from "./StoreVariables.ts"
import { twilioVariables } from "./TwilioVariables.ts"
import type { ValuesOf } from "./Variable.ts"

export const variables = {
  ...twilioVariables,
  ...diallingVariables,
  ...serverVariables,
  ...agentVariables,
  ...storeVariables,
  ...recordingVariables,
  ...deliveryVariables,
  ...engineVariables,
  ...limitVariables,
  ...logVariables,
  ...processVariables
} as const

export type Values = ValuesOf<typeof variables>

/** The names of all variables, in the order of `.env.example`. */
export const names: ReadonlyArray<string> = Object.keys(variables)
