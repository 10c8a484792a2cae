/**
 * Looks into a Node process through its inspector, for instance at the memory that is alive after a collection.
 * https://chromedevtools.github.io/devtools-protocol/v8/
 */
import { WebSocket } from "ws"

/** Connects to the inspector of `--inspect=127.0.0.1:port`. */
export const connect = async (port: number) => {
  const [target] = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json() as [{ webSocketDebuggerUrl: string }]
  const socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false, maxPayload: 0 })
  await new Promise((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  let lastId = 0
  const waiting = new Map<number, (result: any) => void>()
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString())
    waiting.get(message.id)?.(message.result)
    waiting.delete(message.id)
  })
  const call = (method: string, params: object = {}): Promise<any> =>
    new Promise((resolve) => {
      const id = ++lastId
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ id, method, params }))
    })
  return {
    /** MiB that are alive after a collection: the objects (`heap`) and the buffers that they hold (`external`). */
    livingMemory: async () => {
      await call("HeapProfiler.collectGarbage")
      await call("HeapProfiler.collectGarbage")
      const usage = await call("Runtime.getHeapUsage")
      const embedder = (usage.embedderHeapUsedSize ?? 0) + (usage.backingStorageSize ?? 0)
      return { heap: usage.usedSize / 2 ** 20, external: embedder / 2 ** 20 }
    },
    /** The number of living objects with a prototype. The expression `prototype` evaluates to that prototype. */
    count: async (prototype: string): Promise<number> => {
      const { result } = await call("Runtime.evaluate", { expression: prototype, includeCommandLineAPI: true })
      if (result.objectId === undefined) return Number.NaN
      const { objects } = await call("Runtime.queryObjects", { prototypeObjectId: result.objectId })
      const { result: length } = await call("Runtime.callFunctionOn", {
        objectId: objects.objectId,
        functionDeclaration: "function() { return this.length }",
        returnByValue: true
      })
      await call("Runtime.releaseObject", { objectId: objects.objectId })
      return length.value
    },
    /** Evaluates an expression in the process. Its value must be JSON. */
    evaluate: async (expression: string): Promise<unknown> =>
      (await call("Runtime.evaluate", { expression, returnByValue: true })).result.value,
    close: () => socket.close()
  }
}
