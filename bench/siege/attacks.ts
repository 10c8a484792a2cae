/** All attacks, in the order of the table. */
import type { Attack } from "./Attack.ts"
import { besideSound } from "./besideSound.ts"
import { controls } from "./controls.ts"
import { silentConnections } from "./floods.ts"
import { forgedForms } from "./forgedForms.ts"
import { fragments } from "./fragments.ts"
import { halfBodies } from "./halfBodies.ts"
import { keyGuesses } from "./keyGuesses.ts"
import { languageServers } from "./languageServer.ts"
import { logs } from "./logs.ts"
import { longUrls } from "./longUrls.ts"
import { media } from "./media.ts"
import { oneCaller } from "./oneCaller.ts"
import { pipelining } from "./pipelining.ts"
import { refusedUpgrades } from "./refusedUpgrades.ts"
import { slowReaders } from "./slowReaders.ts"
import { twilioAnswers } from "./twilioAnswers.ts"

/** What the service does when nothing is done to it: the table's first row, to compare with. */
const peace: Attack = {
  name: "nothing",
  strength: "–",
  run: async (siege) => {
    await new Promise((resolve) => setTimeout(resolve, siege.left()))
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
  ...besideSound,
  ...controls
]
