import { assert, describe, it } from "@effect/vitest"
import { isPinned, project, read } from "../../support/service/DeployFiles.ts"

/** Instructions with their lines joined, comments left out. */
const instructions = (path: string) =>
  read(path).replace(/^\s*#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n").flatMap((line) => {
    const match = /^([A-Z]+) (.*)$/.exec(line)
    return match === null ? [] : [{ name: match[1], rest: match[2] }]
  })

const of = (path: string, name: string) => instructions(path).filter((instruction) => instruction.name === name).map(({ rest }) => rest)

/** The argument that is a program, in a command's JSON form. */
const program = (rest: string) => (JSON.parse(rest.slice(rest.indexOf("["))) as ReadonlyArray<string>)

describe("images", () => {
  it.each(["deploy/Dockerfile", "deploy/engines/csm/Dockerfile", "deploy/engines/whisper/Dockerfile"])("%s starts from pinned images", (path) => {
    const bases = of(path, "FROM").map((rest) => rest.split(" ")[0])
    assert.isAbove(bases.length, 0)
    for (const base of bases) assert.isTrue(isPinned(base), base)
  })

  it("the service's has the Node of package.json, in every stage", () => {
    for (const base of of("deploy/Dockerfile", "FROM")) {
      assert.match(base, new RegExp(`^node:${project.devDependencies.node.replaceAll(".", "\\.")}-[a-z]+-slim( AS \\w+)?$`))
    }
  })

  it.each(["deploy/Dockerfile", "deploy/engines/csm/Dockerfile"])("%s runs as a numeric user other than root, and has a health check", (path) => {
    assert.deepStrictEqual(of(path, "USER"), ["1000:1000"])
    const last = instructions(path)
    assert.isBelow(last.findIndex(({ name }) => name === "USER"), last.findIndex(({ name }) => name === "CMD"))
    assert.strictEqual(of(path, "HEALTHCHECK").length, 1)
    assert.strictEqual(program(of(path, "CMD")[0])[0], path === "deploy/Dockerfile" ? "node" : "python")
  })

  it("the service's has only production dependencies, and only files that the build sees", () => {
    const runs = of("deploy/Dockerfile", "RUN")
    assert.isTrue(runs.some((run) => run.startsWith("npm ci") && run.includes("--omit=dev")))
    const seen = read("deploy/Dockerfile.dockerignore").split("\n").flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? [])
    const files = of("deploy/Dockerfile", "COPY").filter((rest) => !rest.startsWith("--from") && rest !== ". .").flatMap((rest) => rest.split(" ").slice(0, -1))
    assert.includeMembers(seen, files)
    assert.includeMembers(seen, ["src", "tsconfig.json", "tsconfig.build.json", "package-lock.json", "tools/prepare.js"])
    assert.match(read("deploy/Dockerfile.dockerignore"), /^\*$/m)
  })

  it("the service's listens on all addresses and keeps its data in the volume", () => {
    const env = of("deploy/Dockerfile", "ENV").join(" ")
    for (const setting of ["SERVER_HOST=0.0.0.0", "DATA_DIR=/data", "NODE_ENV=production"]) assert.include(env, setting)
    assert.deepStrictEqual(of("deploy/Dockerfile", "VOLUME"), ["/data"])
  })

  it("Whisper's audio extra has the version of its base", () => {
    const [base] = of("deploy/engines/whisper/Dockerfile", "FROM")
    const [run] = of("deploy/engines/whisper/Dockerfile", "RUN")
    assert.include(run, `vllm[audio]==${base.split(":v")[1]}`)
  })

  it("CSM's requirements are exact", () => {
    const lines = read("deploy/engines/csm/requirements.txt").split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    assert.isAbove(lines.length, 5)
    for (const line of lines) assert.match(line, /^[a-z0-9-]+==\d+(\.\d+)+$/)
  })
})
