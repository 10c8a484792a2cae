/**
 * Takes out of a piece of text what is not to be spoken: the markup that language models write, and signs
 * that a synthesiser would read aloud or stumble over.
 */

const signs: ReadonlyArray<readonly [RegExp, string]> = [
  // Code fences and ticks, keeping what is inside.
  [/```[a-z]*\n?/gi, " "],
  [/`+/g, ""],
  // Images and links: their text.
  [/!?\[([^\]]*)\]\([^)\s]*(?:\s+"[^"]*")?\)/g, "$1"],
  // Tags of HTML and SSML, but not "a < b".
  [/<\/?[a-z][^<>]*>/gi, " "],
  // Stage directions.
  [/\*(?:laughs?|sighs?|chuckles?|smiles?|pauses?|clears throat|nods?|giggles?|coughs?)\*/gi, " "],
  [/\[(?:laughs?|sighs?|chuckles?|smiles?|pauses?|music|silence)\]/gi, " "],
  // Headings, quotes, bullets, numbering and rules at the start of a line.
  [/^\s{0,3}#{1,6}\s+/gm, ""],
  [/^\s*>\s?/gm, ""],
  [/^\s*[-*+•]\s+/gm, ""],
  [/^\s*(?:[-*_]\s*){3,}$/gm, " "],
  // Emphasis.
  [/\*\*(.+?)\*\*/g, "$1"],
  [/__(.+?)__/g, "$1"],
  [/~~(.+?)~~/g, "$1"],
  [/(^|[\s("'])[*_]([^*_\n]+)[*_](?=$|[\s)"'.,;:!?])/g, "$1$2"],
  [/\*+/g, ""],
  // Tables.
  [/^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*$/gm, " "],
  [/\s*\|\s*/g, ", "],
  // Addresses.
  [/\bhttps?:\/\/(?:www\.)?([^\s/?#]+)[^\s]*?(?=[.,;:!?]?(?:\s|$))/gi, "$1"],
  // Signs that have a word.
  [/(\d)\s?%/g, "$1 percent"],
  [/\s&\s/g, " and "],
  [/(\d{1,2})\s?(am|pm)\b/gi, "$1 $2"],
  [/€\s?(\d+(?:[.,]\d+)?)/g, "$1 euros"],
  [/\$\s?(\d+(?:[.,]\d+)?)/g, "$1 dollars"],
  [/£\s?(\d+(?:[.,]\d+)?)/g, "$1 pounds"],
  // Quotes and dashes as a typewriter has them.
  [/[‘’‛]/g, "'"],
  [/[“”„«»]/g, "\""],
  [/\s[–—]\s/g, ", "],
  [/[–—]/g, "-"],
  [/…/g, "..."],
  // Pictures.
  [/\p{Extended_Pictographic}|\u{FE0F}|\u{200D}|\p{Emoji_Modifier}/gu, ""],
  [/\s+([,.;:!?])/g, "$1"],
  [/^[\s,;:]+/, ""],
  [/\s+/g, " "]
]

/** The text as it is to be spoken; may be empty. Fit for a whole clause or sentence. */
export const toSpeech = (text: string): string =>
  signs.reduce((spoken, [pattern, replacement]) => spoken.replace(pattern, replacement), text).trim()
