import { assert, describe, it } from "@effect/vitest"
import * as SignedUrls from "../../../../src/http/webhooks/SignedUrls.ts"
import * as Signature from "../../../../src/twilio/webhook/Signature.ts"

const bases = ["https://example.com:8443", "https://example.com"]
const toUrl = (base: string) => `${base}/twiml?agent=sales`

describe("the URLs that a signature is checked against", () => {
  const urls = [...SignedUrls.inOrder(bases, toUrl)]

  it("begin with each base as it came, the shorter base first", () => {
    assert.deepStrictEqual(urls.slice(0, 2), [
      { base: "https://example.com", url: "https://example.com/twiml?agent=sales" },
      { base: "https://example.com:8443", url: "https://example.com:8443/twiml?agent=sales" }
    ])
  })

  it("take turns: the first spelling of every base is tried before any second one", () => {
    assert.deepStrictEqual(urls.slice(2, 4).map(({ base }) => base), ["https://example.com", "https://example.com:8443"])
  })

  it("are all spellings of all bases", () => {
    for (const one of bases) {
      assert.deepStrictEqual(urls.filter(({ base }) => base === one).map(({ url }) => url), [...Signature.spellings(toUrl(one))])
    }
  })
})
