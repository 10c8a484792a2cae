/**
 * How servers refuse a request that is too long, as public issues quote them. `words`: the fake server's answer. `expected`: the
 * figures to read in it.
 */
import type { Overflow } from "../../../src/engines/openai/chat/context/ContextOverflow.ts"

/** Tokens. */
export interface Sizes {
  readonly window: number
  readonly prompt: number
  readonly answer: number
}

export interface Refusal {
  readonly name: string
  readonly words: (sizes: Sizes) => { readonly status: number; readonly message: string; readonly body: object }
  readonly expected: (sizes: Sizes) => Overflow
}

type Words = (sizes: Sizes) => string

const openAi = (message: Words, code: string | null = "context_length_exceeded", status = 400): Refusal["words"] => (sizes) => ({
  status,
  message: message(sizes),
  body: { error: { message: message(sizes), type: "invalid_request_error", param: "messages", code } }
})

const oldVllm = (message: Words, status = 400): Refusal["words"] => (sizes) => ({
  status,
  message: message(sizes),
  body: { object: "error", message: message(sizes), type: "BadRequestError", param: null, code: status }
})

const newVllm = (message: Words): Refusal["words"] => (sizes) => ({
  status: 400,
  message: message(sizes),
  body: { error: { message: message(sizes), type: "BadRequestError", param: "input_tokens", code: 400 } }
})

const llama = (message: Words, figures: (sizes: Sizes) => object = () => ({}), status = 400): Refusal["words"] => (sizes) => ({
  status,
  message: message(sizes),
  body: { error: { code: status, message: message(sizes), type: "exceed_context_size_error", ...figures(sizes) } }
})

const plain = (message: Words, status = 400): Refusal["words"] => (sizes) => ({ status, message: message(sizes), body: { error: message(sizes) } })

const both = ({ prompt, window }: Sizes): Overflow => ({ window, prompt })
const windowOnly = ({ window }: Sizes): Overflow => ({ window })
const nothing = (): Overflow => ({})

export const refusals: ReadonlyArray<Refusal> = [
  {
    name: "OpenAI, about messages and completion",
    words: openAi(({ answer, prompt, window }) =>
      `This model's maximum context length is ${window} tokens. However, you requested ${prompt + answer} tokens (${prompt} in the messages, ${answer} in the completion). Please reduce the length of the messages or completion.`),
    expected: both
  },
  {
    name: "OpenAI, about messages alone",
    words: openAi(({ prompt, window }) =>
      `This model's maximum context length is ${window} tokens. However, your messages resulted in ${prompt} tokens. Please reduce the length of the messages.`),
    expected: both
  },
  { name: "OpenAI, without figures", words: openAi(() => "Your input exceeds the context window of this model. Please adjust your input and try again."), expected: nothing },
  {
    name: "Azure",
    words: openAi(({ prompt, window }) => `Input tokens exceed the configured limit of ${window} tokens. Your messages resulted in ${prompt} tokens. Please reduce the length of the messages.`),
    expected: both
  },
  {
    name: "OpenAI, for a request above its limit per minute",
    words: openAi(({ answer, prompt, window }) => `Request too large for gpt-4.1 on tokens per min (TPM): Limit ${window}, Requested ${prompt + answer}. The input or output tokens must be reduced in order to run successfully.`, "rate_limit_exceeded", 429),
    expected: ({ answer, prompt, window }) => ({ window, total: prompt + answer })
  },
  {
    name: "vLLM before 0.10",
    words: oldVllm(({ answer, prompt, window }) =>
      `This model's maximum context length is ${window} tokens. However, you requested ${prompt + answer} tokens (${prompt} in the messages, ${answer} in the completion). Please reduce the length of the messages or completion. None`),
    expected: both
  },
  {
    name: "vLLM, about max_tokens",
    words: oldVllm(({ answer, prompt, window }) =>
      `'max_tokens' or 'max_completion_tokens' is too large: ${answer}. This model's maximum context length is ${window} tokens and your request has ${prompt} input tokens (${answer} > ${window} - ${prompt}). None`),
    expected: both
  },
  {
    name: "vLLM, about max_tokens under its old name",
    words: oldVllm(({ answer, prompt, window }) =>
      `max_tokens is too large: ${answer}. This model's maximum context length is ${window} tokens and your request has ${prompt} input tokens (${answer} > ${window} - ${prompt}).`),
    expected: both
  },
  {
    name: "vLLM, about the input",
    words: newVllm(({ prompt, window }) =>
      `This model's maximum context length is ${window} tokens. However, your request has ${prompt} input tokens. Please reduce the length of the input messages. (parameter=input_tokens, value=${prompt})`),
    expected: both
  },
  {
    name: "vLLM from 0.15",
    words: newVllm(({ answer, prompt, window }) =>
      `This model's maximum context length is ${window} tokens. However, you requested ${answer} output tokens and your prompt contains at least ${prompt} input tokens, for a total of at least ${prompt + answer} tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${prompt})`),
    expected: both
  },
  {
    name: "vLLM's engine, through a proxy",
    words: (sizes) => {
      const message = `[address=0.0.0.0:43769, pid=1065] The decoder prompt (length ${sizes.prompt}) is longer than the maximum model length of ${sizes.window}. Make sure that \`max_model_len\` is no smaller than the number of text tokens.`
      return { status: 500, message, body: { detail: message } }
    },
    expected: both
  },
  {
    name: "llama.cpp",
    words: llama(({ prompt, window }) => `request (${prompt} tokens) exceeds the available context size (${window} tokens), try increasing it`,
      ({ prompt, window }) => ({ n_prompt_tokens: prompt, n_ctx: window })),
    expected: both
  },
  {
    name: "llama.cpp of autumn 2025",
    words: llama(() => "the request exceeds the available context size. try increasing the context size or enable context shift",
      ({ prompt, window }) => ({ n_prompt_tokens: prompt, n_ctx: window }), 500),
    expected: both
  },
  { name: "llama.cpp before autumn 2025", words: llama(() => "the request exceeds the available context size, try increasing it"), expected: nothing },
  {
    name: "llama-cpp-python",
    words: plain(({ prompt, window }) => `Requested tokens (${prompt}) exceed context window of ${window}`, 500),
    expected: both
  },
  { name: "Ollama, if it refuses at all", words: plain(() => "input length exceeds maximum context length", 400), expected: nothing },
  { name: "Ollama, about the prompt", words: plain(({ prompt, window }) => `prompt too long; exceeded max context length by ${prompt - window} tokens`), expected: nothing },
  {
    name: "SGLang",
    words: oldVllm(({ prompt, window }) => `The input (${prompt} tokens) is longer than the model's context length (${window} tokens).`),
    expected: both
  },
  {
    name: "SGLang, about both",
    words: oldVllm(({ answer, prompt, window }) =>
      `Requested token count exceeds the model's maximum context length of ${window} tokens. You requested a total of ${prompt + answer} tokens: ${prompt} tokens from the input messages and ${answer} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.`),
    expected: both
  },
  {
    name: "SGLang, about its memory",
    words: oldVllm(({ prompt, window }) => `Input length (${prompt} tokens) exceeds the maximum allowed length (${window} tokens). Use a shorter input or enable --allow-auto-truncate.`),
    expected: both
  },
  {
    name: "TGI, about the sum",
    words: (sizes) => {
      const message = `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${sizes.window}. Given: ${sizes.prompt} \`inputs\` tokens and ${sizes.answer} \`max_new_tokens\``
      return { status: 422, message, body: { error: message, error_type: "validation" } }
    },
    expected: both
  },
  {
    name: "TGI, about the prompt",
    words: (sizes) => {
      const message = `Input validation error: \`inputs\` must have less than ${sizes.window} tokens. Given: ${sizes.prompt}`
      return { status: 422, message, body: { error: message, error_type: "validation" } }
    },
    expected: both
  },
  {
    name: "LM Studio",
    words: plain(({ prompt, window }) =>
      `Trying to keep the first ${prompt} tokens when context the overflows. However, the model is loaded with context length of only ${window} tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input. Error Data: n/a, Additional Data: n/a`),
    expected: both
  },
  {
    name: "LM Studio, newer",
    words: plain(({ window }) => `The number of tokens to keep from the initial prompt is greater than the context length (n_ctx: ${window}). Try to load the model with a larger context length, or provide a shorter input.`),
    expected: windowOnly
  },
  {
    name: "LiteLLM",
    words: openAi(({ answer, prompt, window }) =>
      `litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is ${window} tokens. However, you requested ${prompt + answer} tokens (${prompt} in the messages, ${answer} in the completion). Please reduce the length of the messages or completion.`, null),
    expected: both
  },
  {
    name: "OpenRouter",
    words: openAi(({ answer, prompt, window }) =>
      `This endpoint's maximum context length is ${window} tokens. However, you requested about ${prompt + answer} tokens (${prompt} of text input, ${answer} in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.`, null),
    expected: both
  },
  {
    name: "OpenRouter, quoting the server behind it",
    words: ({ answer, prompt, window }) => ({
      status: 400,
      message: "Provider returned error",
      body: {
        error: {
          message: "Provider returned error",
          code: 400,
          metadata: {
            raw: JSON.stringify({
              error: {
                message: `This model's maximum context length is ${window} tokens. However, you requested ${answer} output tokens and your prompt contains at least ${prompt} input tokens, for a total of at least ${prompt + answer} tokens.`
              }
            })
          }
        }
      }
    }),
    expected: both
  },
  { name: "Groq", words: openAi(() => "Please reduce the length of the messages or completion."), expected: nothing },
  {
    name: "Cerebras",
    words: openAi(({ prompt, window }) => `Please reduce the length of the messages or completions. Current length is ${prompt} while limit is ${window}`),
    expected: both
  },
  {
    name: "Mistral",
    words: plain(({ prompt, window }) => `Prompt contains ${prompt} tokens, too large for model with ${window} maximum context length`),
    expected: both
  },
  {
    name: "Moonshot",
    words: openAi(({ answer, prompt, window }) => `Invalid request: Your request exceeded model token limit: ${window} (requested: ${prompt + answer})`, null),
    expected: ({ answer, prompt, window }) => ({ window, total: prompt + answer })
  },
  { name: "DashScope", words: openAi(({ window }) => `<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, ${window}]`, "invalid_parameter_error"), expected: windowOnly },
  {
    name: "xAI",
    words: openAi(({ prompt, window }) => `This model's maximum prompt length is ${window} but the request contains ${prompt} tokens.`, null),
    expected: both
  },
  { name: "Anthropic", words: openAi(({ prompt, window }) => `prompt is too long: ${prompt} tokens > ${window} maximum`, null), expected: both },
  {
    name: "Anthropic, about the sum",
    words: openAi(({ answer, prompt, window }) => `input length and \`max_tokens\` exceed context limit: ${prompt} + ${answer} > ${window}, decrease input length or \`max_tokens\` and try again`, null),
    expected: both
  },
  {
    name: "Gemini",
    words: openAi(({ prompt, window }) => `The input token count (${prompt}) exceeds the maximum number of tokens allowed (${window}).`, null),
    expected: both
  },
  {
    name: "Copilot",
    words: openAi(({ prompt, window }) => `prompt token count of ${prompt} exceeds the limit of ${window}`, "model_max_prompt_tokens_exceeded"),
    expected: both
  },
  {
    name: "a server that says it only by its code",
    words: openAi(() => "Bad request."),
    expected: nothing
  }
]
