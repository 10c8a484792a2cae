/** The requests to the REST API so far, and the faults for further requests. */
import { RestFault } from "./Faults.ts"
import type { RestRequest } from "./RestApi.ts"

/**
 * The faults of REST requests. In a list, each request gets the next fault. A function returns the fault of a request, or `undefined` if the
 * request has no fault.
 */
export type RestFaults = ReadonlyArray<RestFault> | ((request: RestRequest) => RestFault | undefined)

export class RestRequests {
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
