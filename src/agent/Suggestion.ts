/**
 * Names that are nearly right: what was probably meant.
 */

/** How many letters differ; two that have changed places count as one (optimal string alignment). */
const distance = (one: string, other: string): number => {
  let before: ReadonlyArray<number> = []
  let row = globalThis.Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let at = 1; at <= one.length; at++) {
    const next = [at]
    for (let index = 1; index <= other.length; index++) {
      const isSame = one[at - 1] === other[index - 1]
      const isSwapped = at > 1 && index > 1 && one[at - 1] === other[index - 2] && one[at - 2] === other[index - 1]
      next.push(Math.min(
        row[index] + 1,
        next[index - 1] + 1,
        row[index - 1] + (isSame ? 0 : 1),
        isSwapped ? before[index - 2] + 1 : Infinity
      ))
    }
    before = row
    row = next
  }
  return row[other.length]
}

/** The known name that was probably meant, else all of them: what to do, in a sentence. */
export const suggest = (name: string, known: ReadonlyArray<string>): string => {
  const near = known
    .map((candidate) => ({ candidate, far: distance(name.slice(0, 64).toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.far - other.far)[0]
  if (near !== undefined && near.far <= Math.max(1, Math.floor(near.candidate.length / 3))) return `Did you mean "${near.candidate}"?`
  return known.length === 0 ? "There are none yet." : `There is: ${known.slice(0, 20).join(", ")}.`
}
