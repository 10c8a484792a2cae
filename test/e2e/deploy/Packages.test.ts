import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { read } from "../../support/service/DeployFiles.ts"

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const root = join(import.meta.dirname, "../../..")
const manifest = JSON.parse(read("package.json")) as Locked & { readonly allowScripts: Readonly<Record<string, boolean>> }
const { packages } = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> }

/** Where Node would find a package from another one: beside it, or beside one of its parents. */
const placeOf = (from: string, name: string): string | undefined => {
  const place = from === "" ? `node_modules/${name}` : `${from}/node_modules/${name}`
  if (Object.hasOwn(packages, place)) return place
  if (from === "") return undefined
  const around = from.lastIndexOf("/node_modules/")
  return placeOf(around < 0 ? "" : from.slice(0, around), name)
}

/** The packages that `npm ci` must find in the lockfile, including optional ones of other platforms. */
const neededBy = ({ dependencies, devDependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }: Locked): ReadonlyArray<string> => [
  ...Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }),
  ...Object.keys(peerDependencies ?? {}).filter((name) => peerDependenciesMeta?.[name]?.optional !== true)
]

/** The npm that runs the tests. */
const npm = (arguments_: ReadonlyArray<string>, folder: string) => {
  const file = process.env.npm_execpath
  const options = { cwd: folder, encoding: "utf8" } as const
  return file === undefined ? spawnSync("npm", arguments_, options) : spawnSync(process.execPath, [file, ...arguments_], options)
}

const withFolder = (use: (folder: string) => void) => {
  const folder = mkdtempSync(join(tmpdir(), "client-caller-install-"))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe("the lockfile", () => {
  it("has every package that another one needs, including those of other platforms", () => {
    const missing = Object.entries(packages).flatMap(([place, locked]) =>
      neededBy(locked).filter((name) => placeOf(place, name) === undefined).map((name) => `${name}, which ${place || "package.json"} needs`))
    assert.deepStrictEqual(missing, [], "`npm ci` refuses this lockfile on a clean clone; a package that can't be locked for all platforms is no dependency")
  })

  it("has each package at one version with its digest, and names no registry", () => {
    const { "": project, ...others } = packages
    assert.isAbove(Object.keys(others).length, 100)
    for (const [place, { integrity, resolved, version }] of Object.entries(others)) {
      assert.match(version ?? "", /^\d+\.\d+\.\d+/, place)
      assert.match(integrity ?? "", /^sha512-[\w+/]{86}==$/, place)
      assert.isUndefined(resolved, `${place}: .npmrc has omit-lockfile-registry-resolved`)
    }
    assert.deepStrictEqual([project.dependencies, project.devDependencies], [manifest.dependencies, manifest.devDependencies])
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(range, /^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/, `${name} is not pinned`)
    }
  })

  it("lets no package but Node run a script when it is installed", () => {
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([place]) => place)
    assert.deepStrictEqual(
      scripted,
      ["node_modules/node"],
      "npm 10 runs the install script of each package with \"hasInstallScript\": true in package-lock.json. Take that line out, and deny the script in allowScripts of package.json."
    )
    assert.deepStrictEqual(Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]), ["node"])
  })
})

describe("npm", () => {
  it("does not warn of .npmrc", () => {
    const { status, stderr } = npm(["config", "get", "save-exact"], root)
    assert.deepStrictEqual([status, stderr], [0, ""])
  })

  it("installs when package.json is copied first and the sources later, as Dockerfiles do", () =>
    withFolder((folder) => {
      copyFileSync(join(root, "package.json"), join(folder, "package.json"))
      const { status, stderr } = npm(["run", "prepare"], folder)
      assert.deepStrictEqual([status, stderr], [0, ""])
    }))

  it("installs without development dependencies, and says what is missing if nothing is built", () =>
    withFolder((folder) => {
      copyFileSync(join(root, "package.json"), join(folder, "package.json"))
      for (const path of ["src", "tools"]) cpSync(join(root, path), join(folder, path), { recursive: true })
      const { status, stderr, stdout } = npm(["run", "prepare"], folder)
      assert.deepStrictEqual([status, stderr], [0, ""])
      assert.match(stdout, /dist is not built: there is no compiler.*`npm ci`.*`npm run build`/)
      mkdirSync(join(folder, "dist"))
      writeFileSync(join(folder, "dist/main.js"), "")
      assert.notMatch(npm(["run", "prepare"], folder).stdout, /not built/)
    }))
})
