/**
 * Wraps a speech engine so that it gets its texts as people say them: "Am dritten Mai" for "Am 3. Mai". Replies, prepared lines and the
 * agent's turns in the context are changed. History, transcripts and events keep the written form.
 */
import { type SpeechRequest, type SpokenTurn, TextToSpeech } from "../conversation/ports/TextToSpeech.ts"
import * as Verbalizer from "../verbalizer/Verbalizer.ts"

type Engine = TextToSpeech["Service"]

export const make = (engine: Engine): Engine => {
  /** Verbalized turns by their written turns. An engine may cache turns by identity, so a written turn must always give the same object. */
  const turns = new WeakMap<SpokenTurn, SpokenTurn>()

  const turnOf = (verbalize: (text: string) => string) => (turn: SpokenTurn): SpokenTurn => {
    // The caller's words stay as the recognizer wrote them.
    if (turn.role === "caller") return turn
    const verbalized = turns.get(turn) ?? { ...turn, text: verbalize(turn.text) }
    turns.set(turn, verbalized)
    return verbalized
  }

  const verbalizedRequest = (request: SpeechRequest): SpeechRequest => {
    const verbalize = Verbalizer.of(request.language)
    if (verbalize === undefined) return request
    const { context, text } = request
    return { ...request, text: verbalize(text), ...(context === undefined ? {} : { context: context.map(turnOf(verbalize)) }) }
  }

  const { isReady } = engine
  return TextToSpeech.of({
    ...engine,
    speak: (request) => engine.speak(verbalizedRequest(request)),
    prepare: (requests) => engine.prepare(requests.map(verbalizedRequest)),
    ...(isReady === undefined ? {} : { isReady: (request) => isReady(verbalizedRequest(request)) })
  })
}
