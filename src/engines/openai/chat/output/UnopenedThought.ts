/**
 * A thought that began in the prompt, so that the text has only its end:
 *
 *     The caller asks for the opening hours.</think>We open at nine.
 *
 * The templates of DeepSeek R1, QwQ and the "thinking" Qwens write `<think>` into the prompt. All text before `</think>` is a thought, but
 * text that was spoken cannot be taken back. So the start of an answer is held back until the thought ends, in two cases:
 *
 * - the model's name, or an earlier answer, shows that the model writes in this way;
 * - the answer begins like a thought and unlike a reply on the telephone ("Okay, the user is asking …").
 *
 * An answer that ends without `</think>` was not a thought, so it is spoken at its end.
 */

const firstWords = ["", "okay, ", "okay. ", "okay so ", "okay, so ", "ok, ", "ok, so ", "alright, ", "alright, so ", "hmm, ", "hmm. ", "so ", "so, ", "well, ", "first, ", "now, "]
const subjects = ["the user ", "the user's ", "the user,", "the caller ", "the human ", "user asks", "user is asking", "user wants", "user says"]

/** The beginnings of thoughts, in lower case. */
const thoughtOpenings = [
  ...firstWords.flatMap((words) => subjects.map((subject) => words + subject)),
  "we need to respond", "we need to answer", "we should respond", "we should answer", "i need to respond", "i should respond"
]

const maxOpeningLength = Math.max(...thoughtOpenings.map(({ length }) => length))

/** The beginning of a delimiter, which may become the end of the thought. */
const partOfDelimiter = /(?:<[/|]?[a-z0-9:_|]*|\[\/?[a-z]*|◁\/?[a-z]*)$/i

/** Whether the start of an answer is, or may become, the start of a thought. `isEnded`: the end of a thought follows the text. */
export const mayBeThought = (text: string, isEnded: boolean): boolean => {
  const start = (isEnded ? text : text.replace(partOfDelimiter, "")).trimStart().slice(0, maxOpeningLength).toLowerCase().replaceAll("’", "'")
  return thoughtOpenings.some((opening) => start.startsWith(opening) || opening.startsWith(start))
}

/** Whether an answer begins with a sign of a delimiter. Then the rules decide what the answer begins with. */
export const beginsWithSign = (text: string): boolean => /^\s*[<[{`◁]/.test(text)

/** Models whose template opens the thought in the prompt. */
const modelNames = /deepseek[-_]?r1|[-_]r1[-_]|qwq|thinking|reasoner|openthinker|deephermes|exaone[-_]?deep|glm[-_]?z1|skywork[-_]?o1|marco[-_]?o1|phi[-_]?4.*reasoning|nemotron.*(?:reason|nano|ultra)/i

/** Whether the template of a model of this name opens the thought in the prompt. */
export const isOpenedBy = (model: string | undefined): boolean => model !== undefined && modelNames.test(model)
