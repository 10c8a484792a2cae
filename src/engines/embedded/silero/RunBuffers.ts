/**
 * Reusable memory for the inputs and outputs of the model's runs. At 100 calls, new memory for each run would be 4 MB a second outside
 * V8's heap. This would make V8 collect its whole heap.
 */
import { Record } from "effect"
import type { InferenceSession, Tensor } from "onnxruntime-common"
import { windowLength } from "../../../conversation/ports/VoiceActivity.ts"

/** Samples from the end of the previous window. The model takes them as context. */
export const contextLength = 32

/** Samples that the model takes for one window. */
export const inputLength = contextLength + windowLength

/** The state of one detector: 2 layers of 128 numbers. A run of n windows has a tensor of 2 × n × 128. */
export const layers = 2
export const layerLength = 128

/** The inputs and outputs of a run with a certain number of windows. */
interface RunBuffers {
  readonly inputs: Float32Array
  readonly states: Float32Array
  readonly feeds: InferenceSession.FeedsType
  readonly fetches: { readonly output: Tensor; readonly stateN: Tensor }
}

/** The length of each buffer for one window. */
const lengths = { inputs: inputLength, states: layers * layerLength, nextStates: layers * layerLength, outputs: 1 }

const makeSpace = (windows: number) => Record.map(lengths, (length) => new Float32Array(windows * length))

/**
 * Makes memory that runs reuse, one run at a time. The returned function gives the buffers for a number of windows. All
 * these buffers share one memory. If it is too small, memory for the next power of two of windows replaces it.
 *
 * @param rate the tensor of the sample rate, the same for each run
 */
export const make = (TensorOf: typeof Tensor, rate: Tensor): ((windows: number) => RunBuffers) => {
  let capacity = 0
  let space = makeSpace(0)
  let buffersOf: Array<RunBuffers | undefined> = []
  return (windows) => {
    if (windows > capacity) {
      capacity = 2 ** Math.ceil(Math.log2(windows))
      space = makeSpace(capacity)
      buffersOf = []
    }
    const known = buffersOf[windows]
    if (known !== undefined) return known
    const data = Record.map(lengths, (length, name) => space[name].subarray(0, windows * length))
    const buffers: RunBuffers = {
      inputs: data.inputs,
      states: data.states,
      feeds: {
        input: new TensorOf("float32", data.inputs, [windows, inputLength]),
        state: new TensorOf("float32", data.states, [layers, windows, layerLength]),
        sr: rate
      },
      fetches: {
        output: new TensorOf("float32", data.outputs, [windows, 1]),
        stateN: new TensorOf("float32", data.nextStates, [layers, windows, layerLength])
      }
    }
    buffersOf[windows] = buffers
    return buffers
  }
}
