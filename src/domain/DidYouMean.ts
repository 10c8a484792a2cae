/**
 * Finds the known name that was probably meant by an unknown name.
 */

/** The edit distance: how many letters are added, removed, replaced, or swapped with their neighbour (optimal string alignment). */
export const distance = (one: string, other: string): number => {
  let before: ReadonlyArray<number> = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
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

/** How many characters of a name are compared. Known names are shorter. */
const maxLength = 64

/** `toNumber`, `To-Number` and `TO_NUMBER` are the words `to` and `number`. */
const wordsOf = (name: string): ReadonlyArray<string> =>
  name.slice(0, maxLength).replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "")

/** Whether one name has all the words of the other: `to` and `to_number`. */
const isShortened = (one: string, other: string): boolean => {
  const [fewer, more] = [wordsOf(one), wordsOf(other)].sort((a, b) => a.length - b.length)
  return fewer.length > 0 && fewer.every((word) => more.includes(word))
}

/** The known name that was probably meant: a few of its letters differ, or it has more or fewer words. */
export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  const near = known
    .map((candidate) => ({ candidate, edits: distance(name.slice(0, maxLength).toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits)[0]
  if (near !== undefined && near.edits <= Math.max(1, Math.floor(near.candidate.length / 3))) return near.candidate
  return known.find((candidate) => isShortened(name, candidate))
}

/** A sentence that suggests the known name that was probably meant. If no known name is near, the sentence lists the known names. */
export const suggest = (name: string, known: ReadonlyArray<string>): string => {
  const near = nearest(name, known)
  if (near !== undefined) return `Did you mean "${near}"?`
  return known.length === 0 ? "There are none yet." : `Use one of: ${known.slice(0, 20).join(", ")}.`
}
