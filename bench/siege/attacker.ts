/**
 * The attacker's process. Its parent sends an attack's name, and gets the variables that name the servers of the attack. Then the parent
 * sends the target and the duration, and gets the attack's report.
 */
import { failure, type Target } from "./Attack.ts"
import { attacks } from "./attacks.ts"

export interface Order extends Target {
  readonly seconds: number
}

process.once("message", async (name: string) => {
  const attack = attacks.find((attack) => attack.name === name)!
  process.once("message", (order: Order) => {
    const end = performance.now() + order.seconds * 1000
    const isOver = () => performance.now() >= end
    // The process ends a little later, so that its report arrives.
    const finish = (report: string) => void process.send!(report, () => setTimeout(() => process.exit(0), 500))
    void attack.run({ ...order, isOver, millisLeft: () => Math.max(0, end - performance.now()) }).then(
      finish,
      (error) => finish(`${failure}${error instanceof Error ? error.message : String(error)}`)
    )
  })
  process.send!(await attack.host?.() ?? {})
})
