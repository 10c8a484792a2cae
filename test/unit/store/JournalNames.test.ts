import { assert, describe, it } from "@effect/vitest"
import { isOrphan, nameOf, orphanedAfterMillis, ownerOf } from "../../../src/store/journal/JournalNames.ts"

const self = { host: "alpha", pid: 7 }

describe("the journal's files", () => {
  it("have names that contain their process, and sort by their age", () => {
    const names = [nameOf(self, 1000.5, "00ff"), nameOf({ host: "b_t/a", pid: 1 }, 900, "00ff")]
    assert.deepStrictEqual(names.map(ownerOf), [self, { host: "b-t-a", pid: 1 }])
    assert.strictEqual(names.toSorted()[0], names[1])
    assert.isUndefined(ownerOf("notes.txt"))
  })

  it.each([
    ["a process of this machine that has ended", { host: "alpha", pid: 8 }, false, 0, true],
    ["a process of this machine that lives", { host: "alpha", pid: 8 }, true, 0, false],
    ["one before us with our own number, as in a container", self, true, 0, true],
    ["a process of another machine, fresh", { host: "beta", pid: 7 }, false, orphanedAfterMillis, false],
    ["a process of another machine, not touched for long", { host: "beta", pid: 7 }, false, orphanedAfterMillis + 1, true]
  ])("%s", (_, owner, isAlive, untouched, expected) => {
    assert.strictEqual(isOrphan(owner, self, () => isAlive, untouched), expected)
  })
})
