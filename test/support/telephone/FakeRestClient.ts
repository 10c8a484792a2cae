/** A fake of `RestClient`. It collects all requests, and the test decides the answers. */
import { Context, Effect, Layer, Option } from "effect"
import type { CallSid } from "../../../src/domain/Sid.ts"
import { type Dialled, type DialRequest, RestClient, type TransferRequest, TwilioError, type TwilioFailure } from "../../../src/twilio/rest/RestClient.ts"
import { callSid } from "../conversation/Samples.ts"

export const failure = (failure: TwilioFailure) =>
  new TwilioError({ operation: "dial", failure, status: Option.none(), code: Option.none(), detail: Option.none() })

export class FakeRestClient extends Context.Service<FakeRestClient, {
  readonly dials: Array<DialRequest>
  readonly hangUps: Array<CallSid>
  readonly transfers: Array<TransferRequest>
  /** Answers a dial. By default each one succeeds, with the SIDs 1, 2, 3, … */
  onDial: (request: DialRequest) => Effect.Effect<Dialled, TwilioError>
  onHangUp: (callSid: CallSid) => Effect.Effect<void, TwilioError>
  onTransfer: (request: TransferRequest) => Effect.Effect<void, TwilioError>
}>()("client-caller/test/FakeRestClient") {}

export const layer: Layer.Layer<RestClient | FakeRestClient> = Layer.effectContext(
  Effect.sync(() => {
    const dials: Array<DialRequest> = []
    const hangUps: Array<CallSid> = []
    const transfers: Array<TransferRequest> = []
    const fake: FakeRestClient["Service"] = {
      dials,
      hangUps,
      transfers,
      onDial: () => Effect.succeed({ callSid: callSid(dials.length), status: "queued" }),
      onHangUp: () => Effect.void,
      onTransfer: () => Effect.void
    }
    const rest = RestClient.of({
      dial: (request) =>
        Effect.suspend(() => {
          dials.push(request)
          return fake.onDial(request)
        }),
      transfer: (request) =>
        Effect.suspend(() => {
          transfers.push(request)
          return fake.onTransfer(request)
        }),
      hangUp: (callSid) =>
        Effect.suspend(() => {
          hangUps.push(callSid)
          return fake.onHangUp(callSid)
        })
    })
    return Context.make(RestClient, rest).pipe(Context.add(FakeRestClient, fake))
  })
)
