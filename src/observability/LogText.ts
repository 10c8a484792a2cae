/**
 * What another program wrote, made fit for a log line: short, of one line, without characters that a terminal obeys, and without
 * what may be a telephone number or a key.
 */

/** Characters of it that are logged. */
const longest = 200

export const loggable = (text: string): string => {
  const plain = text
    .slice(0, 4 * longest)
    .replace(/[\p{C}\p{Z}\s]+/gu, " ")
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*)[?#]\S*/gi, "$1")
    // Twilio's error codes have five figures; with a plus in front it is a number.
    .replace(/\+\d[\d ().-]*\d|\d(?:[ ().-]?\d){6,}/g, "…")
    .replace(/[^\s/]{33,}/g, "…")
    .trim()
  return plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain
}
