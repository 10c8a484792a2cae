/** The attacker's process: it is told by its parent which attack, on whom and for how long, and tells what the attack did. */
import type { Target } from "./Attack.ts"
import { attacks } from "./attacks.ts"

export interface Order extends Target {
  readonly attack: string
  readonly seconds: number
}

process.once("message", (order: Order) => {
  const end = performance.now() + order.seconds * 1000
  const attack = attacks.find(({ name }) => name === order.attack)!
  const isOver = () => performance.now() >= end
  // What is told must have arrived before this process is gone.
  const tell = (did: string) => void process.send!(did, () => setTimeout(() => process.exit(0), 500))
  void attack.run({ ...order, isOver, left: () => Math.max(0, end - performance.now()) }).then(
    tell,
    (error) => tell(`failed: ${String(error)}`)
  )
})
