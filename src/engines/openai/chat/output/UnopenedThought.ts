/**
 * A thought whose beginning stands in the prompt: the templates of DeepSeek R1, QwQ and the "thinking" Qwens open it
 * there, so that only `</think>` is seen. All before it is a thought; but who speaks as the text comes can't take back
 * what was spoken. So a reply is held back from its start
 *
 * - where the model is known to write so, by its name or by an earlier reply, until the end of the thought is seen;
 * - where it begins as thoughts do and replies on the telephone do not ("Okay, the user is asking …").
 *
 * A reply that ends without such an end was no thought and is spoken then.
 */

const leads = ["", "okay, ", "okay. ", "okay so ", "okay, so ", "ok, ", "ok, so ", "alright, ", "alright, so ", "hmm, ", "hmm. ", "so ", "so, ", "well, ", "first, ", "now, "]
const subjects = ["the user ", "the user's ", "the user,", "the caller ", "the human ", "user asks", "user is asking", "user wants", "user says"]

const openings = [
  ...leads.flatMap((lead) => subjects.map((subject) => lead + subject)),
  "we need to respond", "we need to answer", "we should respond", "we should answer", "i need to respond", "i should respond"
]

const longestOpening = Math.max(...openings.map(({ length }) => length))

/** The beginning of a sign, which may yet be the end of the thought. */
const partOfSign = /(?:<[/|]?[a-z0-9:_|]*|\[\/?[a-z]*|◁\/?[a-z]*)$/i

/**
 * Whether a reply that begins so is held back: it may be a thought, or can't be told from one yet. `isEnded`: the end of
 * a thought stands behind.
 */
export const mayBeThought = (text: string, isEnded: boolean): boolean => {
  const start = (isEnded ? text : text.replace(partOfSign, "")).trimStart().slice(0, longestOpening).toLowerCase().replaceAll("’", "'")
  return openings.some((opening) => start.startsWith(opening) || opening.startsWith(start))
}

/** A sign stands at the beginning, and says for itself what it begins. */
export const beginsWithSign = (text: string): boolean => /^\s*[<[{`◁]/.test(text)

/** Models whose template opens the thought. */
const named = /deepseek[-_]?r1|[-_]r1[-_]|qwq|thinking|reasoner|openthinker|deephermes|exaone[-_]?deep|glm[-_]?z1|skywork[-_]?o1|marco[-_]?o1|phi[-_]?4.*reasoning|nemotron.*(?:reason|nano|ultra)/i

export const isOpenedBy = (model: string | undefined): boolean => model !== undefined && named.test(model)
