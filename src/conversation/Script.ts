/**
 * What the scripted reply engine knows: intents, slots and answers. It is no language model.
 */
export interface Script {
  readonly intents: ReadonlyArray<unknown>
}
