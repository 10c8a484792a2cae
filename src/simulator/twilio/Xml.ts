/**
 * A small strict XML reader, enough for TwiML: elements, attributes, text, entities, comments, CDATA
 * and the declaration.
 *
 * Our own, since TwiML needs no more than a page of it and a general parser is lenient just where a
 * stand-in for Twilio has to refuse: two roots, an unclosed tag, a bare `&`, an attribute given twice.
 * Document types are refused, as Twilio refuses them.
 */
import { Result, Schema } from "effect"

/** One element; `text` is all character data directly within it. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Element>
  readonly text: string
}

/** The document is not well-formed. `at` counts characters from its start. */
export class XmlError extends Schema.TaggedError<XmlError>()("XmlError", {
  message: Schema.String,
  at: Schema.Int
}) {}

interface Open {
  readonly name: string
  readonly attributes: Record<string, string>
  readonly children: Array<Element>
  text: string
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: "\"", apos: "'" }

const nameAt = /[A-Za-z_:][\w:.-]*/y
const attributeAt = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const tagEndAt = /\s*(\/?)>/y
const closeAt = /<\/([A-Za-z_:][\w:.-]*)\s*>/y
const declarationAt = /^\uFEFF?\s*(?:<\?xml\s[^?]*\?>)?/

const codePoint = (digits: string, radix: number): string | undefined => {
  const code = Number.parseInt(digits, radix)
  return code > 0 && code <= 0x10FFFF ? String.fromCodePoint(code) : undefined
}

/** Resolves entities, or says by `undefined` that an `&` begins none. */
const unescape = (text: string): string | undefined => {
  let bad = false
  const out = text.replace(/&(?:#x([0-9a-fA-F]+);|#(\d+);|(\w+);)?/g, (_, hex, decimal, named) => {
    const value = hex !== undefined
      ? codePoint(hex, 16)
      : decimal !== undefined
      ? codePoint(decimal, 10)
      : entities[named as string]
    if (value === undefined) bad = true
    return value ?? ""
  })
  return bad ? undefined : out
}

/** Reads a document into its root element. */
export const parse = (source: string): Result.Result<Element, XmlError> => {
  let at = declarationAt.exec(source)![0].length
  const stack: Array<Open> = []
  let root: Element | undefined

  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(source) ?? undefined
    if (match !== undefined) at = pattern.lastIndex
    return match
  }
  const fail = (message: string) => Result.fail(new XmlError({ message, at }))
  const close = (element: Open) => {
    const parent = stack[stack.length - 1]
    if (parent === undefined) root = element
    else parent.children.push(element)
  }

  while (at < source.length) {
    const inside = stack[stack.length - 1]
    if (source.startsWith("<!--", at)) {
      const end = source.indexOf("-->", at + 4)
      if (end < 0) return fail("a comment is not closed")
      at = end + 3
    } else if (inside !== undefined && source.startsWith("<![CDATA[", at)) {
      const end = source.indexOf("]]>", at)
      if (end < 0) return fail("a CDATA section is not closed")
      inside.text += source.slice(at + 9, end)
      at = end + 3
    } else if (source.startsWith("</", at)) {
      const name = take(closeAt)?.[1]
      if (name === undefined) return fail("a closing tag is malformed")
      if (inside === undefined || inside.name !== name) return fail(`</${name}> closes nothing that is open`)
      stack.pop()
      close(inside)
    } else if (source.startsWith("<!", at) || source.startsWith("<?", at)) {
      return fail("document types and processing instructions are not accepted")
    } else if (source[at] === "<") {
      if (root !== undefined && inside === undefined) return fail("there is more than one root element")
      at++
      const name = take(nameAt)?.[0]
      if (name === undefined) return fail("a tag has no name")
      const element: Open = { name, attributes: Object.create(null) as Record<string, string>, children: [], text: "" }
      for (let match = take(attributeAt); match !== undefined; match = take(attributeAt)) {
        const [, key = "", doubleQuoted, singleQuoted = ""] = match
        const value = unescape(doubleQuoted ?? singleQuoted)
        if (value === undefined) return fail(`the attribute ${key} of <${name}> has an '&' that begins no entity`)
        if (key in element.attributes) return fail(`<${name}> has the attribute ${key} twice`)
        element.attributes[key] = value
      }
      const end = take(tagEndAt)
      if (end === undefined) return fail(`the tag <${name}> is malformed`)
      if (end[1] === "/") close(element)
      else stack.push(element)
    } else {
      const next = source.indexOf("<", at)
      const end = next < 0 ? source.length : next
      const text = unescape(source.slice(at, end))
      if (text === undefined) return fail("the text has an '&' that begins no entity")
      if (inside !== undefined) inside.text += text
      else if (text.trim() !== "") return fail("there is text outside the root element")
      at = end
    }
  }
  if (stack.length > 0) return fail(`<${stack[stack.length - 1]!.name}> is not closed`)
  return root === undefined ? fail("there is no root element") : Result.succeed(root)
}
