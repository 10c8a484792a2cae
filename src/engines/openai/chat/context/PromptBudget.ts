/**
 * What a server takes of a request, as far as it is known, and how the window is shared out between prompt and answer.
 * Only what the server says or refuses changes it, so that requests of one call begin with the same words. Pure.
 */
import type { Overflow } from "./ContextOverflow.ts"

export interface Limits {
  /** Tokens of prompt and answer together. Unset: not known, and nothing is left out. */
  readonly window?: number
  /** Tokens of an answer, where the server has a limit of its own. */
  readonly answer?: number
  /** Tokens as the server counts them for each one that was estimated. Never falls: servers that cut silently count too few. */
  readonly ratio: number
}

export const unknown: Limits = { ratio: 1 }

/** A request as it was sent. */
export interface Sent {
  /** Tokens, estimated. */
  readonly prompt: number
  /** Tokens that the answer may have. */
  readonly answer: number
}

/** Estimated tokens that the history may have. */
export interface Room {
  /** Above it the oldest turns are left out … */
  readonly full: number
  /** … until it has no more than this: rarely and much, since each time the server reads the whole prompt again. */
  readonly afterDrop: number
}

/** Of the prompt's share of the window; the rest is for errors of the estimate. */
const fullShare = 0.9
const afterDropShare = 0.6

/** Tokens of an answer at least: less is no sentence. */
const shortestAnswer = 16

/** Of the window, for the answer at most: a model that thinks would have more than a small window holds. */
const answerShare = 0.5

/** Estimates of less than this say more about the template than about the text. */
const meaningful = 300

const highestRatio = 4

const smaller = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other)

const withWindow = (limits: Limits, window: number | undefined): Limits => window === undefined ? limits : { ...limits, window }

/** Tokens that are kept free for an answer, whatever the prompt is. */
export const answerRoom = ({ answer, window }: Limits, wanted: number): number =>
  Math.max(1, Math.min(wanted, answer ?? wanted, window === undefined ? wanted : Math.max(shortestAnswer, Math.floor(window * answerShare))))

/** Tokens that an answer to this prompt may have. */
export const answerTokens = (limits: Limits, wanted: number, prompt: number): number => {
  const most = answerRoom(limits, wanted)
  if (limits.window === undefined) return most
  return Math.min(most, Math.max(shortestAnswer, Math.floor(limits.window - prompt * limits.ratio) - shortestAnswer))
}

/** The history's room beside the instructions and tools, which have `fixed` estimated tokens. Nothing: there is no known bound. */
export const roomOf = (limits: Limits, fixed: number, wantedAnswer: number): Room | undefined => {
  if (limits.window === undefined) return undefined
  const full = fullShare * (limits.window - answerRoom(limits, wantedAnswer)) / limits.ratio - fixed
  return { full, afterDrop: afterDropShare * full }
}

/** In steps, so that it changes seldom. */
const raised = (ratio: number, counted: number | undefined, estimated: number): number => {
  if (counted === undefined || estimated < meaningful) return ratio
  const seen = Math.ceil(counted / estimated * 10) / 10
  return Math.max(ratio, Math.min(highestRatio, seen))
}

/** The server has told how many tokens an answered prompt had. */
export const counted = (limits: Limits, prompt: number, tokens: number): Limits => {
  const ratio = raised(limits.ratio, tokens, prompt)
  return ratio === limits.ratio ? limits : { ...limits, ratio }
}

/** A page of the server, or the configuration, tells the window. */
export const told = (limits: Limits, window: number): Limits => withWindow(limits, smaller(limits.window, window))

/** What a server that told no figures takes at most, of what it refused. */
const guess = 0.75

/** The server refused a request for its size. */
export const refused = (limits: Limits, overflow: Overflow, sent: Sent): Limits => {
  const prompt = overflow.prompt ?? (overflow.total === undefined ? undefined : overflow.total - sent.answer)
  const ratio = raised(limits.ratio, prompt, sent.prompt)
  const answer = smaller(limits.answer, overflow.answer)
  const window = smaller(limits.window, overflow.window)
  const next: Limits = { ...limits, ratio, ...answer === undefined ? {} : { answer } }
  if (window !== undefined || overflow.answer !== undefined) return withWindow(next, window)
  return { ...next, window: Math.floor((sent.prompt * ratio + sent.answer) * guess) }
}

/** Refused once more, though it should fit by all that is known. */
export const tightened = (limits: Limits): Limits => ({ ...limits, ratio: limits.ratio * 1.15 })
