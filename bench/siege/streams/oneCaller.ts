import { sendSound } from "../../line/load.ts"
import { type Attack, pause } from "../Attack.ts"
import { dial, isOpen, speech } from "../callers.ts"
import { echoNumber } from "./attackStreams.ts"

const to = echoNumber

export const oneCaller: Attack = {
  name: "one caller takes all lines",
  strength: "100 calls of one number, kept",
  run: async (siege) => {
    const frames = speech(160)
    const kept = []
    for (let count = 0; count < 100; count++) {
      const call = await dial(siege, { from: "+14155550122", to })
      if (call !== undefined) kept.push(call)
    }
    const other = await dial(siege, { from: "+14155550123", to })
    if (other === undefined) throw new Error(`with ${kept.length} calls of one number another caller hears "busy"`)
    let heard = 0
    other.socket.on("message", () => heard++)
    for (let sent = 0; !siege.isOver(); sent++) {
      for (const caller of [...kept, other]) if (isOpen(caller)) sendSound(caller, frames[sent % frames.length])
      await pause(20)
    }
    const open = kept.filter(isOpen).length
    for (const { socket } of [...kept, other]) socket.terminate()
    if (heard === 0) throw new Error("another caller was answered, and heard nothing")
    return `${open} of 100 calls were still open; another caller was answered, and heard its echo`
  }
}
