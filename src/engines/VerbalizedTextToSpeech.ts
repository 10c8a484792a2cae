/**
 * Gives a speech engine its texts as people say them: "Am dritten Mai" for "Am 3. Mai". This holds for replies, prepared lines and the
 * agent's turns in the context. History, transcripts and events keep the written form.
 */
import { type SpeechRequest, type SpokenTurn, TextToSpeech } from "../conversation/ports/TextToSpeech.ts"
import * as Verbalizer from "../verbalizer/Verbalizer.ts"

type Engine = TextToSpeech["Service"]

export const make = (engine: Engine): Engine => {
  /** Spoken turns by written turn. The engine recognizes turns by identity, so the same turn must give the same object. */
  const turns = new WeakMap<SpokenTurn, SpokenTurn>()

  const turnOf = (verbalize: (text: string) => string) => (turn: SpokenTurn): SpokenTurn => {
    // The caller's words stay as the recognizer wrote them.
    if (turn.role === "caller") return turn
    const spokenTurn = turns.get(turn) ?? { ...turn, text: verbalize(turn.text) }
    turns.set(turn, spokenTurn)
    return spokenTurn
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
