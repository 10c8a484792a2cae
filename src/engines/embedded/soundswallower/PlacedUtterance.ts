/**
 * An utterance and the thread that decodes it. The sound is kept, so that another thread can decode all of it if the first thread crashes.
 */
import type { Effect } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import type { RecognizerWorker } from "./RecognizerWorker.ts"
import { shortUtterance } from "./ShortUtterance.ts"
import type { JobFailed } from "../WorkerPool.ts"

interface Place {
  readonly worker: RecognizerWorker
  /** The worker's `generation` when it got the utterance. */
  readonly generation: number
  readonly utterance: number
}

export class PlacedUtterance {
  readonly #grammar: string
  readonly #choose: () => RecognizerWorker
  readonly #pieces: Array<Pcm<8000>> = []
  #length = 0
  #place: Place | undefined

  /** @param choose chooses a thread for the utterance if it has none */
  constructor(grammar: string, choose: () => RecognizerWorker) {
    this.#grammar = grammar
    this.#choose = choose
  }

  push(sound: Pcm<8000>): void {
    this.#length += sound.length
    // A short utterance is sent as a whole when its words are asked for. Then the thread with the least to do is chosen.
    const place = this.#place === undefined && this.#length < shortUtterance ? undefined : this.#currentPlace()
    this.#pieces.push(sound)
    if (place !== undefined) this.#send(place, sound)
  }

  /** The words of all sound so far. */
  words(): Effect.Effect<string, JobFailed> {
    const { utterance, worker } = this.#currentPlace()
    return worker.ask({ _tag: "Words", utterance, grammar: this.#grammar })
  }

  end(): void {
    if (this.#place !== undefined && this.#place.generation === this.#place.worker.generation) {
      this.#place.worker.endUtterance(this.#place.utterance)
    }
  }

  #send({ utterance, worker }: Place, sound: Pcm<8000>): void {
    worker.send({ _tag: "Sound", utterance, grammar: this.#grammar, sound })
  }

  /** The utterance's thread. If it has none, or its thread has crashed, a thread is chosen and sent all of the utterance's sound. */
  #currentPlace(): Place {
    if (this.#place !== undefined && this.#place.generation === this.#place.worker.generation) return this.#place
    const worker = this.#choose()
    const place = { worker, generation: worker.generation, utterance: worker.beginUtterance() }
    this.#place = place
    for (const sound of this.#pieces) this.#send(place, sound)
    return place
  }
}
