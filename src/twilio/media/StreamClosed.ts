/** Why a media stream has ended. None of the reasons is a fault of this program. */
import { Data } from "effect"

const explanations = {
  lost: "The media WebSocket is gone",
  tooLarge: "A message was larger than MAX_MESSAGE_BYTES, or came in too many pieces",
  rubbish: "Too many messages could not be read; see client_caller_bad_messages_total",
  ahead: "Sound came faster than real time; see client_caller_media_surplus_seconds_total",
  noStart: "The start message did not come in time",
  mediaBeforeStart: "Media came before the start message"
} as const

export class StreamClosed extends Data.TaggedError("StreamClosed")<{
  /**
   * - `lost`: the socket is gone without `stop`;
   * - `tooLarge`: a message was above the limit, or came in too many pieces (`ws` has closed the socket with 1009 or 1008);
   * - `rubbish`: too many messages were bad;
   * - `ahead`: the sound was too far ahead of the clock (`MediaRateLimit`);
   * - `noStart`: `start` did not come in time;
   * - `mediaBeforeStart`: sound or control came before `start`.
   */
  readonly reason: keyof typeof explanations
  /** The WebSocket's close code (RFC 6455, section 7.4), which was received or sent. */
  readonly code: number
}> {
  /** At most 123 bytes, the limit for the reason of a WebSocket's close. */
  get explanation(): string {
    return explanations[this.reason]
  }

  override get message() {
    return `${this.explanation} (${this.code})`
  }
}
