/**
 * Collects the problems of one agent file. Each is reported with the path of the key or value that the file's author has to change.
 */
import type { Path, Place } from "../../../config/yaml/YamlPlaces.ts"
import type { Problem, Source } from "../../../config/yaml/YamlSource.ts"

export class FileProblems {
  readonly #source: Source
  readonly #problems: Array<Problem> = []

  constructor(source: Source) {
    this.#source = source
  }

  /** All problems, in the order in which they were reported. */
  get all(): ReadonlyArray<Problem> {
    return this.#problems
  }

  at(place: Place, message: string): void {
    this.#problems.push({ ...place, message })
  }

  /** Reports a problem at the value of `path`. A missing value is reported at the last key that exists. */
  atValue(path: Path, message: string): void {
    this.at(this.#source.place(path), message)
  }

  /** Reports a problem at the last key of `path`. */
  atKey(path: Path, message: string): void {
    this.at(this.#source.place(path, "key"), message)
  }
}
