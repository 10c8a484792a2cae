import { assert, describe, it } from "@effect/vitest"
import { DatabaseSync } from "node:sqlite"
import { FileUnwritable } from "../../../../src/config/Files.ts"
import * as SqliteErrors from "../../../../src/store/sqlite/SqliteErrors.ts"

/** What SQLite throws at a statement. */
const thrown = (text: string, ...parameters: ReadonlyArray<string | number>): unknown => {
  const database = new DatabaseSync(":memory:")
  try {
    database.exec("CREATE TABLE t (id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL) STRICT; INSERT INTO t VALUES ('a', 'one')")
    database.prepare(text).run(...parameters)
    return assert.fail("SQLite took it")
  } catch (cause) {
    return cause
  } finally {
    database.close()
  }
}

const errorOf = (cause: unknown) => SqliteErrors.toSqlError(cause, "execute")

/** An error with SQLite's code. */
const coded = (errcode: number) => errorOf(Object.assign(new RangeError("refused"), { errcode }))

const unwritable = (code: string) => errorOf(new FileUnwritable({ file: "/data/calls.db", cause: { code } }))

const file = "/data/calls.db"

describe("what SQLite refuses", () => {
  it.each([
    ["a key that exists already", "INSERT INTO t VALUES ('a', 'two')"],
    ["a name that exists already", "INSERT INTO t VALUES ('b', 'one')"]
  ])("is a duplicate: %s", (_, text) => {
    const error = errorOf(thrown(text))
    assert.strictEqual(error.reason._tag, "UniqueViolation")
    assert.isFalse(SqliteErrors.isWrongStatement(error))
    assert.isUndefined(SqliteErrors.explainPermanent(error, file))
  })

  it.each([
    ["no SQL", "SELEC 1"],
    ["a table that does not exist", "INSERT INTO u VALUES (1)"],
    ["a parameter too many", "INSERT INTO t VALUES ('b', ?)", "x", "y"]
  ] as const)("is the statement's fault: %s", (_, text, ...parameters) => {
    assert.isTrue(SqliteErrors.isWrongStatement(errorOf(thrown(text, ...parameters))))
  })

  it("is not the statement's fault if it comes from the disk or from another process", () => {
    for (const code of [5, 6, 10, 13, 14, 26]) assert.isFalse(SqliteErrors.isWrongStatement(coded(code)), `${code}`)
  })

  it.each([
    [11, /damaged/],
    [26, /damaged/],
    // Extended codes: SQLITE_READONLY_DBMOVED, SQLITE_CANTOPEN_ISDIR.
    [1032, /opened for writing/],
    [526, /opened for writing/],
    [3, /opened for writing/]
  ])("with code %d, is permanent, and the text says what to do", (code, sentence) => {
    const said = SqliteErrors.explainPermanent(coded(code), file) ?? ""
    assert.match(said, sentence)
    assert.match(said, /^\/data\/calls\.db .*\.$/)
  })

  it.each([[1, /other tables/], [5, /says 5/], [13, /no space left/], [266, /says 266/]])("with code %d, may pass", (code, sentence) => {
    assert.isUndefined(SqliteErrors.explainPermanent(coded(code), file))
    assert.match(SqliteErrors.explainTransient(coded(code)), sentence)
  })

  it("may pass if the disk is full, but not if the folder may not be written to", () => {
    assert.isUndefined(SqliteErrors.explainPermanent(unwritable("ENOSPC"), file))
    assert.match(SqliteErrors.explainTransient(unwritable("ENOSPC")), /no space left/)
    assert.match(SqliteErrors.explainPermanent(unwritable("EACCES"), file) ?? "", /DATA_DIR/)
  })

  it.each([new TypeError("boom"), "a text", undefined, null, { errcode: "11" }])("is an unknown error if it is not SQLite's: %j", (cause) => {
    const error = errorOf(cause)
    assert.strictEqual(error.reason._tag, "UnknownError")
    assert.isUndefined(SqliteErrors.explainPermanent(error, file))
    assert.strictEqual(SqliteErrors.explainTransient(error), "SQLite failed")
  })
})
