/**
 * Takes out of a piece of text what is not to be spoken: the markup that language models write, and signs
 * that a synthesiser would read aloud or stumble over. Signs that have a word get the English one.
 */

const amount = "\\d+(?:[.,]\\d+)*(?:\\s(?:hundred|thousand|million|billion))?"

const signs: ReadonlyArray<readonly [RegExp, string]> = [
  // Code fences and ticks, keeping what is inside.
  [/```[a-z]*\n?/gi, " "],
  [/`+/g, ""],
  // Images and links: their text.
  [/!?\[([^[\]]*)\]\([^)\s]*(?:\s+"[^"]*")?\)/g, "$1"],
  // Tags of HTML and SSML, but not "a < b".
  [/<\/?[a-z][^<>]*>/gi, " "],
  // Stage directions.
  [/\*(?:laughs?|sighs?|chuckles?|smiles?|pauses?|clears throat|nods?|giggles?|coughs?)\*/gi, " "],
  [/\[(?:laughs?|sighs?|chuckles?|smiles?|pauses?|music|silence)\]/gi, " "],
  // Headings, quotes, bullets and rules at the start of a line.
  [/^[^\S\n]{0,3}#{1,6}\s+/gm, ""],
  [/^[^\S\n]*>\s?/gm, ""],
  [/^[^\S\n]*[-*+•]\s+/gm, ""],
  [/^[^\S\n]*(?:[-*_][^\S\n]*){3,}$/gm, " "],
  // Emphasis.
  [/\*\*(.+?)\*\*/g, "$1"],
  [/__(.+?)__/g, "$1"],
  [/~~(.+?)~~/g, "$1"],
  [/(^|[\s("'])[*_]([^*_\n]+)[*_](?=$|[\s)"'.,;:!?])/g, "$1$2"],
  // What a cut between clauses has left of links and emphasis.
  [/\]\([^)\s]*\)?/g, ""],
  [/[[\]*]+/g, ""],
  [/~{2,}/g, ""],
  [/(?<![\p{L}\p{N}_])_+|_+(?![\p{L}\p{N}_])/gu, ""],
  // Tables.
  [/^[^\S\n]*\|?(?:[^\S\n]*:?-{2,}:?[^\S\n]*\|)+[^\S\n]*:?-*:?[^\S\n]*$/gm, " "],
  [/\|/g, ", "],
  // Addresses.
  [/\bhttps?:\/\/(?:www\.)?([^\s/?#]+)[^\s]*?(?=[.,;:!?]?(?:\s|$))/gi, "$1"],
  // Signs that have a word.
  [/(\d)\s?%/g, "$1 percent"],
  [/\s&\s/g, " and "],
  [/(\d{1,2})\s?(am|pm)\b/gi, "$1 $2"],
  ...([["€", "euro"], ["\\$", "dollar"], ["£", "pound"]] as const).flatMap(([sign, name]) => [
    [new RegExp(`${sign}\\s?(${amount})|(${amount})\\s?${sign}`, "gi"), `$1$2 ${name}s`] as const,
    [new RegExp(`(?<![\\d.,])1 ${name}s`, "g"), `1 ${name}`] as const
  ]),
  // Quotes and dashes as a typewriter has them.
  [/[‘’‛]/g, "'"],
  [/[“”„«»]/g, "\""],
  [/(\d)\s?[–—]\s?(?=\d)/g, "$1 to "],
  [/(?:^|\s)[–—](?:\s|$)/g, ", "],
  [/[–—]/g, "-"],
  [/…/g, "..."],
  // Pictures.
  [/\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\u{FE0F}|\u{200D}|\u{20E3}/gu, ""],
  [/\s+/g, " "],
  [/ ([,.;:!?])/g, "$1"],
  [/,(?: ?,)+/g, ","],
  [/^[\s,;:]+/, ""]
]

/** The text as it is to be spoken; may be empty. Fit for a whole clause or sentence. */
export const toSpeech = (text: string): string =>
  signs.reduce((spoken, [pattern, replacement]) => spoken.replace(pattern, replacement), text).trim()
