/** The events of the calls that ended last, for watchers that come late. */
import type { CallSid } from "../../domain/Sid.ts"
import type { ConversationFeed } from "../ConversationFeed.ts"

/** How many ended calls can still be watched. */
const maxCalls = 100

interface EndedFeeds {
  readonly add: (callSid: CallSid, feed: ConversationFeed) => void
  readonly find: (callSid: CallSid) => ConversationFeed | undefined
  /** Drops the feed of a call that was erased. */
  readonly forget: (callSid: CallSid) => void
}

export const make = (limit = maxCalls): EndedFeeds => {
  /** In the order of the calls' ends. */
  const feeds = new Map<CallSid, ConversationFeed>()
  return {
    add: (callSid, feed) => {
      feeds.delete(callSid)
      feeds.set(callSid, feed)
      for (const oldest of feeds.keys()) {
        if (feeds.size <= limit) break
        feeds.delete(oldest)
      }
    },
    find: (callSid) => feeds.get(callSid),
    forget: (callSid) => void feeds.delete(callSid)
  }
}
