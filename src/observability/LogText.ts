/**
 * Makes another program's text safe for a log. The result is short, on one line, and has no control characters. Parts that may be a telephone
 * number or a key are left out.
 */

/** The most characters. Longer text is cut. */
const maxLength = 200

export const toLogText = (text: string): string => {
  const plain = text
    .slice(0, 4 * maxLength)
    .replace(/[\p{C}\p{Z}\s]+/gu, " ")
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*)[?#]\S*/gi, "$1")
    // Removes seven or more digits, and any number with a plus. Twilio's error codes have five digits and stay.
    .replace(/\+\d[\d ().-]*\d|\d(?:[ ().-]?\d){6,}/g, "…")
    .replace(/[^\s/]{33,}/g, "…")
    .trim()
  return plain.length > maxLength ? `${plain.slice(0, maxLength - 1)}…` : plain
}
