/**
 * The price list of `PRICES_FILE`, read once at the start. If the list has problems, the service does not start. All problems are reported
 * together, each with its line and with the text to write instead.
 */
import { Array, Context, Data, Effect, Layer, Option, Result } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import { explain, schemaProblems } from "../../config/yaml/SchemaProblems.ts"
import * as YamlFile from "../../config/yaml/YamlFile.ts"
import * as YamlSource from "../../config/yaml/YamlSource.ts"
import { decode, type PriceList } from "./PriceList.ts"

/** The price list can't be used. */
class PricesUnusable extends Data.TaggedError("PricesUnusable")<{
  readonly file: string
  /** In the order of their places in the file. */
  readonly problems: Array.NonEmptyReadonlyArray<YamlSource.Problem>
}> {
  override get message() {
    return this.problems.map((problem) => YamlFile.lineOf(this.file, problem)).join("\n")
  }
}

/** The file itself can't be read. */
class PricesUnreadable extends Data.TaggedError("PricesUnreadable")<{
  readonly file: string
  /** Completes a sentence that begins with the file's name. */
  readonly why: string
}> {
  override get message() {
    return `PRICES_FILE: ${this.file} ${this.why}`
  }
}

const advice = {
  missing: "A relative path starts at the folder in which the service was started.",
  folder: "Set PRICES_FILE to the path of the file."
}

const fileAdvice: YamlSource.FileAdvice = {
  severalDocuments: "A file is one price list. Take out the line \"---\".",
  noKeys: "A price list consists of keys with values. Begin with \"currency: USD\"."
}

/** Reads a text. `file` is its name in errors. */
export const parse = (text: string, file: string): Result.Result<PriceList, PricesUnusable> => {
  const fail = (problems: Array.NonEmptyReadonlyArray<YamlSource.Problem>) => Result.fail(new PricesUnusable({ file, problems }))
  const source = YamlSource.parse(text, fileAdvice)
  if (Result.isFailure(source)) return fail(source.failure.problems)
  const { data, duplicates } = source.success
  const list = decode(data)
  const issues = Result.isSuccess(list) ? [] : schemaProblems(list.failure.issue).map((problem) => explain(problem, source.success))
  const problems = YamlFile.inOrder([...duplicates, ...issues])
  if (Array.isReadonlyArrayNonEmpty(problems)) return fail(problems)
  // Without problems the list was decoded.
  return Result.succeed(Result.getOrThrow(list))
}

const load = Effect.fnUntraced(function*(file: string) {
  const text = yield* Effect.mapError(YamlFile.read(file, advice), ({ why }) => new PricesUnreadable({ file, why }))
  return yield* Effect.fromResult(parse(text, file))
})

export class Prices extends Context.Service<Prices, {
  /** `None`: there is no list, and calls have no cost. */
  readonly list: Option.Option<PriceList>
}>()("client-caller/call/cost/Prices") {
  static readonly layer = Layer.effect(
    Prices,
    Effect.gen(function*() {
      const { store: { pricesFile } } = yield* AppConfig
      return { list: Option.isNone(pricesFile) ? Option.none() : Option.some(yield* load(pricesFile.value)) }
    })
  )

  /** Without a list, for tests. */
  static readonly layerNone = Layer.succeed(Prices, { list: Option.none() })
}
