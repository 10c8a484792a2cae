/**
 * XML tags of given names, as models write them, with an optional prefix: `<think>`, `<seed:think>`, `<｜DSML｜invoke name="x">`.
 * Reads a whole tag, or tells whether a text may become a tag. Pure.
 */

interface Tag {
  /** In lower case, without the prefix. */
  readonly name: string
  /** The name as it is written, with its prefix. The end tag repeats it. */
  readonly fullName: string
  /** The number of the tag's characters. */
  readonly length: number
  /** `empty`: `<think/>`. */
  readonly kind: "begin" | "end" | "empty"
  /** The text after the name. */
  readonly attributes: string
}

interface Tags {
  /** The tag at the beginning of a text. */
  readonly read: (text: string) => Tag | undefined
  /** Whether all of a text is the beginning of a tag with one of the names. */
  readonly isPart: (text: string) => boolean
}

const namePrefixes = ["seed:", "antml:", "minimax:", "mm:", "ant:", "｜dsml｜", "|dsml|"]

/** The most characters of a tag. */
const maxTagCharacters = 180

const wholeTag = /^<(\/?)((?:[a-z]{1,12}:|[|｜]dsml[|｜])?)([a-z_]{1,32})((?:\s|=)[^<>]{0,100})?>/i
const partOfTag = /^<(\/?)([^\s<>="'/]{0,32})((?:\s|=)[^<>]{0,100})?(\/?)$/

/** `names`: in lower case. The case of the text is ignored. */
export const make = (names: ReadonlyArray<string>): Tags => {
  const known = new Set(names)
  const spellings = names.flatMap((name) => [name, ...namePrefixes.map((prefix) => prefix + name)])
  const spellingSet = new Set(spellings)
  return {
    read: (text) => {
      // The slash of an empty tag must not become part of an attribute.
      const [tag, slash, prefix, name, attributes = ""] = wholeTag.exec(text.slice(0, maxTagCharacters).replace(/^(<[^<>]*)\/>/, "$1 >")) ?? []
      if (tag === undefined || !known.has(name.toLowerCase())) return undefined
      const isEmpty = text[tag.length - 2] === "/"
      return {
        name: name.toLowerCase(),
        fullName: prefix + name,
        length: tag.length,
        kind: slash === "/" ? "end" : isEmpty ? "empty" : "begin",
        attributes: attributes.trim()
      }
    },
    isPart: (text) => {
      const [part, , name = "", attributes] = partOfTag.exec(text) ?? []
      if (part === undefined || part.length < 2) return false
      const start = name.toLowerCase()
      return attributes === undefined ? spellings.some((spelling) => spelling.startsWith(start)) : spellingSet.has(start)
    }
  }
}
