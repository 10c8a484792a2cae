/** All attacks, in the order of the table. */
import type { Attack } from "./Attack.ts"
import { forgedForms } from "./http/forgedForms.ts"
import { halfBodies } from "./http/halfBodies.ts"
import { keyGuesses } from "./http/keyGuesses.ts"
import { logs } from "./http/logs.ts"
import { longUrls } from "./http/longUrls.ts"
import { pipelining } from "./http/pipelining.ts"
import { refusedUpgrades } from "./http/refusedUpgrades.ts"
import { silentConnections } from "./http/silentConnections.ts"
import { slowReaders } from "./http/slowReaders.ts"
import { languageServers } from "./servers/languageServer.ts"
import { twilioAnswers } from "./servers/twilioAnswers.ts"
import { messageFloods } from "./streams/messageFloods.ts"
import { controls } from "./streams/controls.ts"
import { fragments } from "./streams/fragments.ts"
import { media } from "./streams/media.ts"
import { oneCaller } from "./streams/oneCaller.ts"

/** No attack: the table's first row, for comparison. */
const peace: Attack = {
  name: "nothing",
  strength: "–",
  run: async (siege) => {
    await new Promise((resolve) => setTimeout(resolve, siege.millisLeft()))
    return "peace"
  }
}

export const attacks: ReadonlyArray<Attack> = [
  peace,
  ...forgedForms,
  longUrls,
  ...pipelining,
  ...logs,
  ...refusedUpgrades,
  halfBodies,
  slowReaders,
  silentConnections,
  fragments,
  keyGuesses,
  oneCaller,
  ...languageServers,
  twilioAnswers,
  ...media,
  ...messageFloods,
  ...controls
]
