/** All attacks, in the order of the table. */
import type { Attack } from "./Attack.ts"
import { silentConnections } from "./floods.ts"
import { forgedForms } from "./forgedForms.ts"
import { fragments } from "./fragments.ts"
import { halfBodies } from "./halfBodies.ts"
import { longUrls } from "./longUrls.ts"
import { pipelining } from "./pipelining.ts"
import { refusedUpgrades } from "./refusedUpgrades.ts"
import { slowReaders } from "./slowReaders.ts"

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
  ...refusedUpgrades,
  halfBodies,
  slowReaders,
  silentConnections,
  fragments
]
