/** Voice detectors that answer by an effect. So an answer may be slow, fail or never come. */
import { Effect, FiberSet, type Scope } from "effect"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import type { EngineFailed } from "../../../src/conversation/ports/Engine.ts"
import type { Detector } from "../../../src/conversation/ports/VoiceActivity.ts"

/** Makes a detector whose requests end with the scope. */
export const make = (probability: (window: Pcm<8000>) => Effect.Effect<number, EngineFailed>): Effect.Effect<Detector, never, Scope.Scope> =>
  Effect.map(FiberSet.makeRuntime<never, number, EngineFailed>(), (run) => ({
    ask: (window, answer) => run(Effect.suspend(() => probability(window))).addObserver(answer)
  }))

/** The detector's answer for one window. */
export const probability = ({ ask }: Detector, window: Pcm<8000>): Effect.Effect<number, EngineFailed> => Effect.callback((resume) => ask(window, resume))
