/**
 * The known limits of a server in tokens, and the division of the context window between prompt and answer.
 *
 * Only the server's own figures and refusals change the limits. So the history is cut in the same place for many requests of a call, and
 * these requests begin with the same bytes. Pure.
 */
import type { Overflow } from "./ContextOverflow.ts"

export interface TokenLimits {
  /** Tokens of prompt and answer together, as the server counts them. Unset: the window is unknown, and no turn is left out. */
  readonly window?: number
  /** The highest limit of answer tokens that the server accepts. Unset: none is known. */
  readonly answer?: number
  /** The server's tokens for each estimated token. It never falls, because servers that cut a prompt silently report too few tokens. */
  readonly ratio: number
}

export const unknown: TokenLimits = { ratio: 1 }

/** The size of a request that was sent. */
export interface RequestSize {
  /** Tokens, estimated. */
  readonly prompt: number
  /** Tokens that the answer may have. */
  readonly answer: number
}

/** Estimated tokens that the history of a call may have. */
export interface HistoryRoom {
  /** A longer history is cut. */
  readonly maxTokens: number
  /** A cut leaves at most this. Cuts must be rare, because after a cut the server reads the whole prompt again. */
  readonly maxTokensAfterCut: number
}

/** The share of the prompt's tokens that is used. The other tokens are a reserve for errors of the estimate. */
const usedShare = 0.9

/** The share of `maxTokens` that a cut leaves. */
const usedShareAfterCut = 0.6

/** Tokens that an answer always gets, because fewer tokens make no sentence. */
const minAnswerTokens = 16

/** The answer's largest share of the window. Without this limit, an answer with thoughts could ask for more than a small window holds. */
const maxAnswerShare = 0.5

/** Only prompts with at least this many estimated tokens change the ratio. In shorter prompts the template's tokens weigh too much. */
const minTokensForRatio = 300

const maxRatio = 4

/** The ratio is rounded up to steps of a tenth, so that it changes rarely. */
const ratioStepsPerOne = 10

const smaller = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other)

const withWindow = (limits: TokenLimits, window: number | undefined): TokenLimits => window === undefined ? limits : { ...limits, window }

/** Tokens reserved for an answer of `wanted` tokens, whatever the prompt is. */
export const reservedAnswerTokens = ({ answer, window }: TokenLimits, wanted: number): number =>
  Math.max(1, Math.min(wanted, answer ?? wanted, window === undefined ? wanted : Math.max(minAnswerTokens, Math.floor(window * maxAnswerShare))))

/**
 * Tokens that the answer to a prompt of `prompt` estimated tokens may have: `wanted`, or fewer if less is left of the window.
 * `minAnswerTokens` of the window stay free.
 */
export const answerTokens = (limits: TokenLimits, wanted: number, prompt: number): number => {
  const reserved = reservedAnswerTokens(limits, wanted)
  if (limits.window === undefined) return reserved
  return Math.min(reserved, Math.max(minAnswerTokens, Math.floor(limits.window - prompt * limits.ratio) - minAnswerTokens))
}

/**
 * The history's room; undefined if the window is unknown. `fixed`: estimated tokens of instructions and tools. `answer`:
 * tokens that an answer usually has.
 */
export const historyRoom = (limits: TokenLimits, fixed: number, answer: number): HistoryRoom | undefined => {
  if (limits.window === undefined) return undefined
  const maxTokens = usedShare * (limits.window - reservedAnswerTokens(limits, answer)) / limits.ratio - fixed
  return { maxTokens, maxTokensAfterCut: usedShareAfterCut * maxTokens }
}

const raisedRatio = (ratio: number, counted: number | undefined, estimated: number): number => {
  if (counted === undefined || estimated < minTokensForRatio) return ratio
  const measured = Math.ceil(counted / estimated * ratioStepsPerOne) / ratioStepsPerOne
  return Math.max(ratio, Math.min(maxRatio, measured))
}

/** The limits after the server counted `counted` tokens in a prompt of `estimated` tokens. */
export const afterCount = (limits: TokenLimits, estimated: number, counted: number): TokenLimits => {
  const ratio = raisedRatio(limits.ratio, counted, estimated)
  return ratio === limits.ratio ? limits : { ...limits, ratio }
}

/** The limits with a window from the configuration or from a page of the server. If a smaller window is already known, it stays. */
export const withKnownWindow = (limits: TokenLimits, window: number): TokenLimits => withWindow(limits, smaller(limits.window, window))

/** The window that is assumed after a refusal without figures, as a share of the refused request. */
const assumedWindowShare = 0.75

/** The limits after the server refused a request of this size as too long. */
export const afterRefusal = (limits: TokenLimits, overflow: Overflow, sent: RequestSize): TokenLimits => {
  const prompt = overflow.prompt ?? (overflow.total === undefined ? undefined : overflow.total - sent.answer)
  const ratio = raisedRatio(limits.ratio, prompt, sent.prompt)
  const answer = smaller(limits.answer, overflow.answer)
  const window = smaller(limits.window, overflow.window)
  const next: TokenLimits = { ...limits, ratio, ...answer === undefined ? {} : { answer } }
  if (window !== undefined || overflow.answer !== undefined) return withWindow(next, window)
  return { ...next, window: Math.floor((sent.prompt * ratio + sent.answer) * assumedWindowShare) }
}

/** Raises the ratio by 15 %, because a request was refused although it should fit by the limits. */
export const tightened = (limits: TokenLimits): TokenLimits => ({ ...limits, ratio: limits.ratio * 1.15 })
