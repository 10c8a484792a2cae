/**
 * Tags of XML by their names, with the prefixes that models put before them (`<seed:think>`, `<｜DSML｜invoke name="x">`):
 * whole ones, and text that may become one.
 */

export interface Tag {
  readonly name: string
  /** With its prefix, as its end repeats it. */
  readonly fullName: string
  readonly length: number
  readonly kind: "begin" | "end" | "empty"
  /** What stands behind the name. */
  readonly attributes: string
}

export interface Tags {
  readonly read: (rest: string) => Tag | undefined
  /** Whether a text that is over could have been the beginning of such a tag. */
  readonly isPart: (rest: string) => boolean
}

const prefixes = ["seed:", "antml:", "minimax:", "mm:", "ant:", "｜dsml｜", "|dsml|"]

const whole = /^<(\/?)((?:[a-z]{1,12}:|[|｜]dsml[|｜])?)([a-z_]{1,32})((?:\s|=)[^<>]{0,100})?>/i
const part = /^<(\/?)([^\s<>="'/]{0,32})((?:\s|=)[^<>]{0,100})?(\/?)$/

/** `names` in lower case. */
export const make = (names: ReadonlyArray<string>): Tags => {
  const known = new Set(names)
  const spelled = names.flatMap((name) => [name, ...prefixes.map((prefix) => prefix + name)])
  const spelledNames = new Set(spelled)
  return {
    read: (rest) => {
      // The slash of an empty tag is none of an attribute's.
      const [text, slash, prefix, name, attributes = ""] = whole.exec(rest.slice(0, 180).replace(/^(<[^<>]*)\/>/, "$1 >")) ?? []
      if (text === undefined || !known.has(name.toLowerCase())) return undefined
      const isEmpty = rest[text.length - 2] === "/"
      return { name: name.toLowerCase(), fullName: prefix + name, length: text.length, kind: slash === "/" ? "end" : isEmpty ? "empty" : "begin", attributes: attributes.trim() }
    },
    isPart: (rest) => {
      const [text, , name = "", attributes] = part.exec(rest) ?? []
      if (text === undefined || text.length < 2) return false
      const start = name.toLowerCase()
      return attributes === undefined ? spelled.some((spelling) => spelling.startsWith(start)) : spelledNames.has(start)
    }
  }
}
