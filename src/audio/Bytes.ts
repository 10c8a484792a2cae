/** Bytes that arrive in pieces. */

/** Carried-over bytes and the following ones in one array; `following` itself if nothing was carried over. */
export const join = (carried: Uint8Array, following: Uint8Array): Uint8Array => {
  if (carried.length === 0) return following
  const both = new Uint8Array(carried.length + following.length)
  both.set(carried)
  both.set(following, carried.length)
  return both
}
