/** The requests to the REST API so far, and the faults of the requests to come. */
import { RestFault } from "./Faults.ts"
import type { RestRequest } from "./RestApi.ts"

/**
 * What goes wrong with REST requests: a list of which each request takes the first that is left, or a function of the
 * request (`undefined`: nothing).
 */
export type RestFaults = ReadonlyArray<RestFault> | ((request: RestRequest) => RestFault | undefined)

export class RestJournal {
  readonly #requests: Array<RestRequest> = []
  #faults: RestFaults

  constructor(faults: RestFaults) {
    this.#faults = faults
  }

  /** All requests so far, oldest first. */
  get requests(): ReadonlyArray<RestRequest> {
    return [...this.#requests]
  }

  /** From now on these faults befall requests. */
  setFaults(faults: RestFaults): void {
    this.#faults = faults
  }

  /** Records a request and returns what goes wrong with it. */
  receive(request: RestRequest): RestFault {
    this.#requests.push(request)
    if (typeof this.#faults === "function") return this.#faults(request) ?? RestFault.Pass()
    const [first, ...rest] = this.#faults
    this.#faults = rest
    return first ?? RestFault.Pass()
  }
}
