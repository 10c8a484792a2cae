/**
 * Writes the requests to tools as plain JSON, and reads them when the conversation continues in another media stream.
 *
 * If a request has no outcome and this process does not wait for one, its outcome becomes `Unknown`. The request may have been carried out, so
 * it is not sent again automatically. If the tool has no side effects, the outcome becomes `NotSent`, so that the model may repeat the request.
 */
import { Result } from "effect"
import type { ToolMemory } from "../ports/ConversationMemory.ts"
import { ToolCallRefused } from "../ports/Tools.ts"
import type { SentRequest, ToolRecords } from "./SentRequests.ts"

export const write = ({ exchanges, requests }: ToolRecords): ToolMemory => {
  const indexOf = new Map(requests.map((request, index) => [request, index]))
  return {
    requests: requests.map(({ isClosed, isHeard, isRepeatable, key, outcome }) => ({
      key, isClosed, isHeard, isRepeatable, ...(outcome === undefined ? {} : { outcome })
    })),
    exchanges: exchanges.map(({ at, calls, said }) => ({
      at,
      said,
      calls: calls.map(({ call, isRepeated, request }) => {
        const index = request === undefined ? undefined : indexOf.get(request)
        const refusal = Result.isFailure(call.request) ? call.request.failure.answer : undefined
        return {
          id: call.id,
          name: call.name,
          arguments: call.arguments,
          ...(refusal === undefined ? {} : { refusal }),
          ...(index === undefined ? {} : { request: index }),
          ...(isRepeated === undefined ? {} : { isRepeated })
        }
      })
    }))
  }
}

/** `isRunning`: whether this process still waits for the outcome of the request with this index. */
export const read = ({ exchanges, requests }: ToolMemory, isRunning: (request: number) => boolean = () => false): ToolRecords => {
  const restored = requests.map((request, index): SentRequest => ({
    ...request,
    outcome: request.outcome ?? (isRunning(index) ? undefined : { _tag: request.isRepeatable ? "NotSent" : "Unknown" })
  }))
  return {
    requests: restored,
    exchanges: exchanges.map(({ at, calls, said }) => ({
      at,
      said,
      calls: calls.map(({ isRepeated, refusal = "", request: index, ...call }) => {
        const request = index === undefined ? undefined : restored[index]
        return {
          // A call from the memory is never sent. It only appears in requests to the model.
          call: { ...call, request: Result.fail(new ToolCallRefused({ answer: refusal })) },
          ...(request === undefined ? {} : { request }),
          ...(isRepeated === undefined ? {} : { isRepeated })
        }
      })
    }))
  }
}
