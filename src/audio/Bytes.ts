/** Bytes that arrive in pieces. */

/** Joins the unread and the following bytes. If there are no unread bytes, the result is `following` itself. */
export const join = (unread: Uint8Array, following: Uint8Array): Uint8Array => {
  if (unread.length === 0) return following
  const both = new Uint8Array(unread.length + following.length)
  both.set(unread)
  both.set(following, unread.length)
  return both
}
