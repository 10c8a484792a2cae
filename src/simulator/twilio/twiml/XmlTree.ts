/**
 * Reads an XML document as a tree, with Effect's decoder. As at Twilio, a document with a document type is refused.
 */
import { Effect, Stream } from "effect"
import { Xml } from "effect/encoding"

/** One element. `text`: all character data directly inside it. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Element>
  readonly text: string
}

interface OpenElement extends Element {
  readonly children: Array<OpenElement>
  text: string
}

const doctypeRefused = new Xml.XmlError({ kind: "Unsupported", message: "document types are not accepted" })

/** Reads a document and returns its root element. If the document is not well-formed, the error has the line and column. */
export const parse = (source: string): Effect.Effect<Element, Xml.XmlError> =>
  Effect.gen(function*() {
    // The parent of the root element. The decoder ensures that there is exactly one root.
    const document: OpenElement = { name: "", attributes: {}, children: [], text: "" }
    const openElements = [document]
    yield* Stream.make(source).pipe(
      Stream.pipeThroughChannel(Xml.decodeString()),
      Stream.runForEach((event) => {
        const parent = openElements[openElements.length - 1]
        switch (event._tag) {
          case "StartElement": {
            const element: OpenElement = { name: event.name, attributes: event.attributes, children: [], text: "" }
            parent.children.push(element)
            openElements.push(element)
            return Effect.void
          }
          case "EndElement":
            openElements.pop()
            return Effect.void
          case "Text":
            parent.text += event.text
            return Effect.void
          case "Doctype":
            return Effect.fail(doctypeRefused)
          default:
            return Effect.void
        }
      })
    )
    return document.children[0]
  })
