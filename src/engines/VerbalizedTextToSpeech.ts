/**
 * A speech engine that is given its texts as people say them: "am dritten Mai" for "Am 3. Mai". What is written stays with those
 * who asked, in the history, the transcript and the events; the engine alone gets the spoken form, for prepared lines as well.
 */
import { type SpeechRequest, type SpokenTurn, TextToSpeech } from "../conversation/ports/TextToSpeech.ts"
import * as Verbalizer from "../verbalizer/Verbalizer.ts"

type Engine = TextToSpeech["Service"]

export const make = (engine: Engine): Engine => {
  /** By the turn itself: an engine knows a turn again that it has seen. */
  const turns = new WeakMap<SpokenTurn, SpokenTurn>()

  const turnOf = (verbalize: (text: string) => string) => (turn: SpokenTurn): SpokenTurn => {
    // Of the caller the words are what was understood, which is written as it was recognized.
    if (turn.role === "caller") return turn
    const known = turns.get(turn) ?? { ...turn, text: verbalize(turn.text) }
    turns.set(turn, known)
    return known
  }

  const spoken = (request: SpeechRequest): SpeechRequest => {
    const verbalize = Verbalizer.of(request.language)
    if (verbalize === undefined) return request
    const { context, text } = request
    return { ...request, text: verbalize(text), ...(context === undefined ? {} : { context: context.map(turnOf(verbalize)) }) }
  }

  const { isReady } = engine
  return TextToSpeech.of({
    ...engine,
    speak: (request) => engine.speak(spoken(request)),
    prepare: (requests) => engine.prepare(requests.map(spoken)),
    ...(isReady === undefined ? {} : { isReady: (request) => isReady(spoken(request)) })
  })
}
