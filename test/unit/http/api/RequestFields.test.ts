import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { HttpApiEndpoint } from "effect/http-api"
import { Api } from "../../../../src/http/api/Api.ts"
import { ApiKey } from "../../../../src/http/api/key/ApiKey.ts"
import { problemsOfBody, problemsOfQuery, RequestFields } from "../../../../src/http/api/RequestFields.ts"

const Flat = Schema.Struct({ to: Schema.String, agent: Schema.optionalKey(Schema.String) })

interface Tree {
  readonly name: string
  readonly children?: ReadonlyArray<Tree>
}

const Tree: Schema.Codec<Tree> = Schema.Struct({
  name: Schema.String,
  children: Schema.optionalKey(Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)))
})

const Nested = Schema.Struct({
  to: Schema.String,
  limits: Schema.optionalKey(Schema.NullOr(Schema.Struct({ duration: Schema.Number }))),
  steps: Schema.Array(Schema.Union([
    Schema.Struct({ say: Schema.String }),
    Schema.Struct({ press: Schema.String, pause: Schema.Number })
  ])),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

const inBody = (schema: Schema.Top, body: unknown) => problemsOfBody([schema], typeof body === "string" ? body : JSON.stringify(body))

describe("the names in a body", () => {
  it.each([
    ["a schema's own", Flat, { to: "x", agent: "y" }],
    ["nested ones", Nested, { to: "x", limits: { duration: 1 }, steps: [{ say: "x" }, { press: "1", pause: 1 }] }],
    ["any, if the schema takes any", Nested, { to: "x", steps: [], headers: { anything: "x", __proto: "y" } }],
    ["those of a tree", Tree, { name: "a", children: [{ name: "b", children: [{ name: "c" }] }] }],
    ["none, in an array", Flat, []],
    ["none, in text", Flat, "\"to\""],
    ["none, in a number", Flat, 7],
    ["none, in null", Flat, null],
    ["none, in text that is not JSON", Flat, "{\"to\""]
  ] as ReadonlyArray<readonly [string, Schema.Top, unknown]>)("may be %s", (_, schema, body) => assert.deepStrictEqual(inBody(schema, body), []))

  it.each([
    ["a misspelled one", { to: "x", agnet: "y" }, ["The body has no field \"agnet\". Did you mean \"agent\"?"]],
    ["another case", { To: "x" }, ["The body has no field \"To\". Did you mean \"to\"?"]],
    ["the query's name", { TO_NUMBER: "x" }, ["The body has no field \"TO_NUMBER\". Did you mean \"to\"?"]],
    ["one far from all", { to: "x", from: "y" }, ["The body has no field \"from\". It takes: to, agent."]],
    ["one with an invisible character", { "to\u200b": "x" }, ["The body has no field \"to\\u200b\". Did you mean \"to\"?"]],
    ["a full-width one", { "ｔｏ": "x" }, ["The body has no field \"ｔｏ\". Did you mean \"to\"?"]],
    ["names of the prototype", "{\"__proto__\":{},\"constructor\":1,\"toString\":2}", [
      "The body has no field \"__proto__\". It takes: to, agent.",
      "The body has no field \"constructor\". It takes: to, agent.",
      "The body has no field \"toString\". Did you mean \"to\"?"
    ]],
    ["one that is there twice", "{\"to\":\"x\",\"t\\u006f\":\"y\"}", ["The field \"to\" is in the body more than once. Send it once."]],
    ["one of null", { to: "x", "": null }, ["The body has no field \"\". It takes: to, agent."]]
  ])("may not be %s", (_, body, problems) => assert.deepStrictEqual(inBody(Flat, body), problems))

  it("are checked at every depth, and all wrong ones are reported", () => {
    assert.deepStrictEqual(
      inBody(Nested, { too: 1, limits: { durations: 1 }, steps: [{ say: "x" }, { presss: "1" }], headers: { any: "x" } }),
      [
        "The body has no field \"too\". Did you mean \"to\"?",
        "The body's \"limits\" has no field \"durations\". Did you mean \"duration\"?",
        "The body's \"steps[1]\" has no field \"presss\". Did you mean \"press\"?"
      ]
    )
    assert.strictEqual(inBody(Tree, { name: "a", children: [{ name: "b", children: [{ nam: "c" }] }] }).length, 1)
  })

  it("are all refused if an endpoint takes no body", () => {
    assert.deepStrictEqual(problemsOfBody([], "{\"x\":1}"), ["The body has no field \"x\". It takes none."])
    assert.deepStrictEqual(problemsOfBody([], "{}"), [])
  })

  it.prop("are refused, whatever they are, unless the schema has them", [Schema.String, Schema.Json], ([name, value]) => {
    const body = JSON.stringify({ [name]: value })
    // A computed `__proto__` is an own property, as in JSON.
    assert.strictEqual(inBody(Flat, body).length >= 1, name !== "to" && name !== "agent")
  })
})

/** The problems of a body with names that it has twice, at an endpoint that takes any name. */
const repeatedNames = (text: string): ReadonlyArray<string> =>
  problemsOfBody([Schema.Record(Schema.String, Schema.Unknown)], text).map((problem) =>
    JSON.parse(/^The field (".*") is in the body more than once\./.exec(problem)?.[1] ?? "null") as string)

describe("names that are in a body twice", () => {
  it.each([
    ["{}", []],
    ["{\"a\":1,\"b\":1}", []],
    ["{\"a\":1,\"a\":1}", ["a"]],
    ["{\"a\":{\"a\":{\"a\":1}}}", []],
    ["[{\"a\":1},{\"a\":1}]", []],
    ["{\"a\":[{\"b\":1,\"b\":2}],\"a\":\"a\"}", ["b", "a"]],
    ["{\"a\":\"\\\"a\\\":\",\"b\":\"{\",\"c\":\"}\"}", []],
    ["{\"\\u0061\":1 , \"a\" : 2}", ["a"]],
    ["{\"__proto__\":1,\"__proto__\":2}", ["__proto__"]],
    ["\"a\"", []]
  ])("%s: %j", (text, names) => assert.deepStrictEqual(repeatedNames(text), names))

  it.prop("do not exist in the output of JSON.stringify", [Schema.Json], ([value]) => {
    assert.deepStrictEqual(repeatedNames(JSON.stringify(value, null, 1)), [])
  })
})

/** What is wrong with this text as the metadata of a call, which may be any JSON. */
const problemsOfJson = (json: string) => problemsOfBody([Schema.Struct({ metadata: Schema.Json })], `{"metadata":${json}}`)
const nested = (depth: number, [open, close]: readonly [string, string]) => `${open.repeat(depth)}1${close.repeat(depth)}`

describe("JSON that can't be kept as it is", () => {
  it.each([["[", "]"], ["{\"a\":", "}"], ["[{\"a\":", "}]"]] as const)("is refused if it is nested too deeply: %s…%s", (...brackets) => {
    assert.deepStrictEqual(problemsOfJson(nested(20, brackets)), [])
    assert.deepStrictEqual(problemsOfJson(nested(7000, brackets)), ["The body has more than 64 arrays and objects inside each other."])
    assert.deepStrictEqual(problemsOfJson(JSON.stringify("[".repeat(200))), [])
  })

  it.each(["12345678901234567890", "-9007199254740993", `1${"0".repeat(400)}`])("is refused if it has an integer that would be rounded: %s", (token) => {
    const [problem, ...others] = problemsOfJson(`{"id":${token}}`)
    assert.match(problem, /^The number -?\d{16,40}…? has too many digits to be kept exactly\. Send it as text, in quotes\.$/)
    assert.deepStrictEqual(others, [])
  })

  it.each(["9007199254740991", "-0", "1e300", "0.12345678901234567890", "1e-1234567890123456789", "\"12345678901234567890\"", "1152921504606847000"])("is not %s", (token) =>
    assert.deepStrictEqual(problemsOfJson(`[${token}]`), []))
})

describe("the names in a query", () => {
  const query = Schema.Struct({
    to_number: Schema.optionalKey(Schema.String),
    agent: Schema.optionalKey(Schema.String),
    tag: Schema.optionalKey(Schema.Array(Schema.String))
  })
  it.each([
    ["", []],
    ["to_number=1&agent=2", []],
    ["tag=1&tag=2", []],
    ["to%5Fnumber=1", []],
    ["to=1", ["The query has no field \"to\". Did you mean \"to_number\"?"]],
    ["To_Number=1", ["The query has no field \"To_Number\". Did you mean \"to_number\"?"]],
    ["to_number[]=1", ["The query has no field \"to_number[]\". Did you mean \"to_number\"?"]],
    ["to_number=1&to_number=1", ["The field \"to_number\" is in the query more than once. Send it once."]],
    ["x=1&x=2&agnet=3", [
      "The query has no field \"x\". It takes: to_number, agent, tag.",
      "The query has no field \"agnet\". Did you mean \"agent\"?"
    ]],
    ["__proto__=1&=2", [
      "The query has no field \"__proto__\". It takes: to_number, agent, tag.",
      "The query has no field \"\". It takes: to_number, agent, tag."
    ]]
  ])("%s: %j", (text, problems) => assert.deepStrictEqual(problemsOfQuery(query, new URLSearchParams(text)), problems))

  it("are all refused if an endpoint has none", () => {
    assert.deepStrictEqual(problemsOfQuery(undefined, new URLSearchParams("a=1")), ["The query has no field \"a\". It takes none."])
  })
})

describe("the API", () => {
  it("checks the names at every endpoint that needs the key, after it has checked the key", () => {
    const endpoints = Object.values(Api.groups).flatMap(({ endpoints }) => Object.values(endpoints)) as ReadonlyArray<HttpApiEndpoint.Top>
    const guarded = endpoints.filter(({ middlewares }) => (middlewares as ReadonlySet<unknown>).has(ApiKey))
    assert.isAbove(guarded.length, 1)
    for (const { middlewares, name } of guarded) {
      const order = [...middlewares as ReadonlySet<unknown>]
      assert.isAtLeast(order.indexOf(RequestFields), 0, name)
      // A later middleware is an outer one.
      assert.isBelow(order.indexOf(RequestFields), order.indexOf(ApiKey), name)
    }
  })
})
