/**
 * All settings of the service, parsed and checked.
 */
import { Option, type Redacted } from "effect"
import type { StageSettings } from "./EngineSettings.ts"
import { type AgentSettings, agentSettings, type FolderSettings, folderSettings } from "./variables/AgentVariables.ts"
import { type DeliverySettings, deliverySettings } from "./variables/DeliveryVariables.ts"
import { type DiallingSettings, diallingSettings } from "./variables/DiallingVariables.ts"
import { stageSettings } from "./variables/EngineVariables.ts"
import { type LimitSettings, limitSettings } from "./variables/LimitVariables.ts"
import { type LogSettings, logSettings } from "./variables/LogVariables.ts"
import { type RecordingSettings, recordingSettings } from "./variables/RecordingVariables.ts"
import { type ServerSettings, serverSettings } from "./variables/ServerVariables.ts"
import { type StoreSettings, storeSettings } from "./variables/StoreVariables.ts"
import { type TwilioSettings, twilioSettings } from "./variables/TwilioVariables.ts"
import type { Values } from "./variables/Variables.ts"

export interface Settings extends FolderSettings {
  readonly twilio: TwilioSettings
  readonly dialling: DiallingSettings
  readonly server: ServerSettings
  /** The key of the service's API. Unset: the service makes a key; see `config/Credentials`. */
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly agents: AgentSettings
  readonly store: StoreSettings
  readonly recording: RecordingSettings
  readonly webhooks: DeliverySettings
  readonly engines: StageSettings
  readonly limits: LimitSettings
  readonly log: LogSettings
}

export const toSettings = (values: Values): Settings => ({
  ...folderSettings(values),
  twilio: twilioSettings(values),
  dialling: diallingSettings(values, [
    ...Option.toArray(values.TWILIO_PHONE_NUMBER),
    ...values.AGENT_NUMBERS.map(({ number }) => number)
  ]),
  server: serverSettings(values, values.SHUTDOWN_GRACE),
  apiKey: values.API_KEY,
  agents: agentSettings(values),
  store: storeSettings(values),
  recording: recordingSettings(values),
  webhooks: deliverySettings(values),
  engines: stageSettings(values),
  limits: limitSettings(values),
  log: logSettings(values)
})
