/**
 * Voice detectors of tests, as effects: an answer may take its time, fail or never come.
 */
import { Effect, FiberSet, type Scope } from "effect"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import type { EngineFailed } from "../../../src/conversation/ports/Engine.ts"
import type { Detector } from "../../../src/conversation/ports/VoiceActivity.ts"

/** A detector of the port; what it is doing ends with the scope. */
export const make = (probability: (window: Pcm<8000>) => Effect.Effect<number, EngineFailed>): Effect.Effect<Detector, never, Scope.Scope> =>
  Effect.map(FiberSet.makeRuntime<never, number, EngineFailed>(), (run) => ({
    ask: (window, answer) => run(Effect.suspend(() => probability(window))).addObserver(answer)
  }))

/** One window's answer. */
export const probability = ({ ask }: Detector, window: Pcm<8000>): Effect.Effect<number, EngineFailed> => Effect.callback((resume) => ask(window, resume))
