/** The requests to the REST API so far, and the faults of the requests to come. */
import { RestFault } from "./Faults.ts"
import type { RestRequest } from "./RestApi.ts"

/**
 * The faults of REST requests: a list from which each request takes the next one, or a function of the request (`undefined`: no
 * fault).
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

  /** Sets the faults of requests from now on. */
  setFaults(faults: RestFaults): void {
    this.#faults = faults
  }

  /** Records a request and returns its fault. */
  receive(request: RestRequest): RestFault {
    this.#requests.push(request)
    if (typeof this.#faults === "function") return this.#faults(request) ?? RestFault.Pass()
    const [first, ...others] = this.#faults
    this.#faults = others
    return first ?? RestFault.Pass()
  }
}
