import { assert, describe, it } from "@effect/vitest"
import type { StoreWrite } from "../../../src/store/StoreWrite.ts"
import { type Entry, WriteQueue } from "../../../src/store/writer/WriteQueue.ts"
import { event, saved, sidOf } from "../../support/store/Writes.ts"

const [one, other] = [sidOf(1), sidOf(2)]

const entry = (write: StoreWrite, onSaved: Array<() => void> = []): Entry => ({ write, at: 0, onSaved, isReplaced: false })

const versions = (entries: ReadonlyArray<Entry>) => entries.map(({ write }) => write._tag === "ConversationSaved" ? write.version : write._tag)

describe("waiting writes", () => {
  it("leave in the order in which they came", () => {
    const queue = new WriteQueue(10)
    for (const sequence of [0, 1, 2]) queue.add(entry(event(one, sequence)))
    assert.deepStrictEqual(queue.take(2).map(({ write }) => write), [event(one, 0), event(one, 1)])
    assert.deepStrictEqual(queue.take(2).map(({ write }) => write), [event(one, 2)])
    assert.strictEqual(queue.size, 0)
  })

  it("of a newer memory replace the older memory of the call, and its waiter then waits for the newer one", () => {
    const queue = new WriteQueue(10)
    let notified = 0
    queue.add(entry(saved(one, 1), [() => notified++]))
    queue.add(entry(saved(other, 1)))
    queue.add(entry(event(one, 0)))
    assert.isDefined(queue.add(entry(saved(one, 2)))?.replaced)
    assert.strictEqual(queue.size, 3)
    assert.isTrue(queue.isAwaited)
    const taken = queue.take(10)
    assert.deepStrictEqual(versions(taken), [1, "EventTold", 2])
    for (const { onSaved } of taken) for (const tell of onSaved) tell()
    assert.strictEqual(notified, 1)
    assert.strictEqual(queue.size, 0)
  })

  it("of a memory replace none that has left the queue", () => {
    const queue = new WriteQueue(10)
    queue.add(entry(saved(one, 1)))
    queue.take(10)
    assert.deepStrictEqual(queue.add(entry(saved(one, 2))), { replaced: undefined })
  })

  it("are refused when the queue is full, except for a memory that replaces another", () => {
    const queue = new WriteQueue(2)
    queue.add(entry(saved(one, 1)))
    queue.add(entry(event(one, 0)))
    assert.isUndefined(queue.add(entry(event(one, 1))))
    assert.isDefined(queue.add(entry(saved(one, 2))))
    assert.strictEqual(queue.size, 2)
  })

  it("leave first after they were put back", () => {
    const queue = new WriteQueue(10)
    for (const sequence of [0, 1, 2]) queue.add(entry(event(one, sequence)))
    queue.putBack(queue.take(2))
    assert.deepStrictEqual(queue.of(one).map(({ write }) => write), [0, 1, 2].map((sequence) => event(one, sequence)))
  })
})
