/**
 * The engines that run in this process: no key, no GPU, nothing to fetch.
 */
import { Layer } from "effect"
import * as Flite from "./embedded/FliteTextToSpeech.ts"
import * as Scripted from "./embedded/ScriptedReplyModel.ts"
import * as Silero from "./embedded/SileroVoiceActivity.ts"
import * as SoundSwallower from "./embedded/SoundSwallowerSpeechToText.ts"

export const layer = Layer.mergeAll(Silero.layer, SoundSwallower.layer, Scripted.layer, Flite.layer)
