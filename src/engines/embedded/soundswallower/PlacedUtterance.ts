/**
 * An utterance and the thread that hears it. Its sound is kept, so that another thread can hear all of it when the first one crashed.
 */
import type { Effect } from "effect"
import type { Pcm } from "../../../audio/Pcm.ts"
import type { RecognizerWorker } from "./RecognizerWorker.ts"
import { shortUtterance } from "./ShortUtterance.ts"
import type { JobFailed } from "../WorkerPool.ts"

interface Place {
  readonly worker: RecognizerWorker
  /** The worker's `life` when it got the utterance. */
  readonly life: number
  readonly utterance: number
}

export class PlacedUtterance {
  readonly #grammar: string
  readonly #choose: () => RecognizerWorker
  readonly #pieces: Array<Pcm<8000>> = []
  #length = 0
  #place: Place | undefined

  /** @param choose the thread for an utterance that has none */
  constructor(grammar: string, choose: () => RecognizerWorker) {
    this.#grammar = grammar
    this.#choose = choose
  }

  push(sound: Pcm<8000>): void {
    this.#length += sound.length
    // A short utterance is sent as a whole when its words are asked for, to the thread that has the least to do then.
    const place = this.#place === undefined && this.#length < shortUtterance ? undefined : this.#settle()
    this.#pieces.push(sound)
    if (place !== undefined) this.#send(place, sound)
  }

  /** The words of all sound so far. */
  words(): Effect.Effect<string, JobFailed> {
    const { utterance, worker } = this.#settle()
    return worker.ask({ _tag: "Words", utterance, grammar: this.#grammar })
  }

  end(): void {
    if (this.#place !== undefined && this.#place.life === this.#place.worker.life) this.#place.worker.endUtterance(this.#place.utterance)
  }

  #send({ utterance, worker }: Place, sound: Pcm<8000>): void {
    worker.send({ _tag: "Sound", utterance, grammar: this.#grammar, sound })
  }

  /** The utterance's thread. A thread that is new to the utterance is sent all of its sound. */
  #settle(): Place {
    if (this.#place !== undefined && this.#place.life === this.#place.worker.life) return this.#place
    const worker = this.#choose()
    const place = { worker, life: worker.life, utterance: worker.beginUtterance() }
    this.#place = place
    for (const sound of this.#pieces) this.#send(place, sound)
    return place
  }
}
