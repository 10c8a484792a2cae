/**
 * Removes markup from a text before the text is spoken: Markdown, HTML, SSML and emoji, which language models write for a screen. Signs that
 * are spoken stay as they are: `*67`, `US$ 5`, `a < b`.
 *
 * The result is used for speech, history and transcript. `src/verbalizer` defines how figures and signs are pronounced in each language.
 */

/** Names of elements that a model may write. Other names in angle brackets are words: "press <enter>". */
const elements = new Set([
  // HTML
  ..."a abbr b big blockquote body br center cite code dd del div dl dt em font footer form h1 h2 h3 h4 h5 h6 head header hr html i img input ins kbd label li link main mark meta nav ol p pre q s samp script section small span strike strong style sub sup svg table tbody td tfoot th thead title tr tt u ul var wbr"
    .split(" "),
  // SSML, and elements that speech engines add to SSML
  ..."audio break desc emotion emphasis lang lexicon lookup paragraph pause phoneme prosody say-as sentence speak speed spell token voice volume w breath chuckle cough gasp groan laugh laughter sigh sniffle whisper yawn"
    .split(" "),
  // Elements that models write around an answer
  ..."agent answer assistant message output reply response speech text".split(" ")
])

const entities: Readonly<Record<string, string>> = {
  amp: "&", lt: "<", gt: ">", quot: "\"", apos: "'", nbsp: " ", ensp: " ", emsp: " ", thinsp: " ", shy: "", ndash: "–", mdash: "—", hellip: "…",
  lsquo: "'", rsquo: "'", sbquo: "'", ldquo: "\"", rdquo: "\"", bdquo: "\"", laquo: "\"", raquo: "\"", euro: "€", pound: "£", yen: "¥", cent: "¢", dollar: "$",
  deg: "°", plusmn: "±", times: "×", divide: "÷", frac12: "½", frac14: "¼", frac34: "¾", sect: "§", copy: "", reg: "", trade: "", bull: "•",
  auml: "ä", ouml: "ö", uuml: "ü", Auml: "Ä", Ouml: "Ö", Uuml: "Ü", szlig: "ß", eacute: "é", egrave: "è", ecirc: "ê", agrave: "à", acirc: "â",
  ccedil: "ç", ntilde: "ñ", aacute: "á", iacute: "í", oacute: "ó", uacute: "ú", ocirc: "ô", icirc: "î", ugrave: "ù", num: "#", ast: "*"
}

const decodeEntity = (whole: string, name: string): string => {
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : name.startsWith("#") ? Number(name.slice(1)) : undefined
  if (code === undefined) return entities[name] ?? whole
  const isCharacter = code >= 32 && code <= 0x10_FFFF && !(code >= 0xD800 && code <= 0xDFFF)
  return isCharacter ? String.fromCodePoint(code) : " "
}

/** Moves an escaped sign to Unicode's private use area, where no rule changes it. `unescapedSign` moves it back. */
const escapedSign = (sign: string): string => String.fromCharCode(0xE000 + sign.charCodeAt(0))
const unescapedSign = (sign: string): string => String.fromCharCode(sign.charCodeAt(0) - 0xE000)

/** "3029" becomes "3 0 2 9", so that every engine reads the letters and figures one by one. */
const spellOut = (text: string): string => text.match(/[\p{L}\p{N}]\p{M}*|[^\s\p{L}\p{N}\p{M}]/gu)?.join(" ") ?? ""

/** Escapes the signs in a piece of code, since they are not markup. */
const escapeSigns = (text: string): string => text.replace(/[*_~`#|[\]<>]/g, escapedSign)

type Rule = readonly [pattern: RegExp, replacement: string | ((...found: Array<string>) => string)]

/** An attribute of a tag, with its value. `<b and c>` has no attribute, so it is no tag. */
const attributes = "(?:\\s+[a-zA-Z][\\w:.-]{0,40}\\s*=\\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\\s\"'<>=]+))"
const tag = new RegExp(`<(\\/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})(${attributes}{0,20})\\s*(\\/?)>`, "g")

const rules: ReadonlyArray<Rule> = [
  // Escaped signs.
  [/\\([\\`*_{}[\]()#+.!|<>~$-])/g, (_, sign) => escapedSign(sign)],
  // Code: fences and ticks are removed, and the text inside is kept.
  [/```[\w+-]*\n?/g, " "],
  [/(`{1,2})([^`\n]+)\1/g, (_, _ticks, code) => escapeSigns(code)],
  [/`+/g, ""],
  // References to search results.
  [/【[^【】]*】/g, ""],
  [/(?<=[\p{L}\p{N}.,;:!?)"'])(?:\[\^?\d{1,3}\])+/gu, ""],
  // Images and links are replaced by their text. Addresses lose their angle brackets.
  [/!?\[([^[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+"[^"]*")?\)/g, "$1"],
  [/!?\[([^[\]]+)\]\[[^[\]]*\]/g, "$1"],
  [/<((?:https?:\/\/|mailto:|tel:)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>/gi, (_, address) => address.replace(/^(?:mailto|tel):/i, "")],
  // Comments, and SSML that replaces or spells a text.
  [/<!--[^]*?-->/g, " "],
  [/<sub\s+alias\s*=\s*["']([^"'<>]*)["']\s*>[^<>]*<\/sub>/gi, "$1"],
  [/<spell>([^<>]*)<\/spell>/gi, (_, text) => spellOut(text)],
  [/<say-as\s[^<>]*interpret-as\s*=\s*["']?(?:characters|spell-out|digits|verbatim)["']?[^<>]*>([^<>]*)<\/say-as>/gi, (_, text) => spellOut(text)],
  // Other tags are removed, but not "a < b" and "<enter>". An unknown name is a tag if it closes or has attributes.
  [tag, (whole, slash, name, attribute, isEmpty) =>
    elements.has(name.toLowerCase()) || slash + attribute + isEmpty !== "" || name.includes(":")
      ? /^(?:br|p|div|li|tr|h[1-6]|break)$/i.test(name) ? "\n" : /^(?:b|i|em|strong|u|s|span|a|code|sub|sup|mark|font|small|big)$/i.test(name) ? "" : " "
      : whole.slice(1, -1)],
  // Tags with attributes without a value: "<details open>". A single letter is more likely a variable: "a <b and c> d".
  [/<([a-zA-Z][a-zA-Z0-9:-]{1,40})\s[^<>]{0,200}>/g, (whole, name) => elements.has(name.toLowerCase()) ? " " : whole],
  [/<([\p{L}\p{N}][\p{L}\p{N} _-]{0,30})>/gu, "$1"],
  [/&(#\d{1,7}|#x[\da-f]{1,6}|[a-z]+\d{0,2});/gi, decodeEntity],
  // Stage directions.
  [/\*{1,2}(?:laughs?|sighs?|chuckles?|smiles?|pauses?|clears throat|nods?|giggles?|coughs?)\*{1,2}/gi, " "],
  [/[[(](?:laughs?|sighs?|chuckles?|smiles?|pauses?|clears throat|music|silence)[\])]/gi, " "],
  // Headings, quotes, bullets, checkboxes and horizontal rules, at the start of a line only. The chunker keeps a key such as "*" with the words before
  // it, so no piece begins with a key.
  [/^[^\S\n]{0,3}#{1,6}[^\S\n]+(?=\S)/gm, ""],
  [/^[^\S\n]*(?:>[^\S\n]?)+/gm, ""],
  [/^[^\S\n]*[-*+•‣▪][^\S\n]+(?:\[[ xX]\][^\S\n]+)?(?=\S)/gm, ""],
  [/^[^\S\n]*(?:[-*_=][^\S\n]*){3,}$/gm, " "],
  // Emphasis: a pair of signs directly around words. If there are only digits between the signs, the signs are keys: "*21*".
  [/\*\*\*(?=\S)([^*\n]+)(?<=\S)\*\*\*/g, "$1"],
  [/\*\*(?=\S)([^*\n]+(?:\*[^*\n]+\*[^*\n]*)?)(?<=\S)\*\*/g, "$1"],
  [/__(?=\S)([^_\n]+(?:_[^_\n]+)*)(?<=\S)__/g, "$1"],
  [/~~(?=\S)([^~\n]+)(?<=\S)~~/g, "$1"],
  [/(?<!=)==(?=[^\s=])([^=\n]+)(?<=\S)==(?!=)/g, "$1"],
  [/(?<![\p{L}\p{N}*])\*(?![\s*])([^*\n]*[^\s*])\*(?![\p{L}\p{N}*#])/gu, (whole, text) => /\p{L}/u.test(text) || !/^[\d#]{2,}$/.test(text) ? text : whole],
  [/(?<![\p{L}\p{N}_])_(?![\s_])([^_\n]*(?:_[^_\s]+)*[^\s_])_(?![\p{L}\p{N}_])/gu, "$1"],
  // Halves of links and emphasis: the text was cut inside them. A single star before digits or between blanks is spoken.
  [/\]\((?:https?:|mailto:|tel:|\/|#)[^)\s]*\)?/g, ""],
  [/(?<![\d)]\s?)\*{2,}|\*{2,}(?!\s?[\d(])/g, ""],
  [/(?<![\p{L}\p{N}*])\*(?=[\p{L}"“'(])/gu, ""],
  [/(?<=[\p{L}.,;:!?"”')])\*(?![\p{L}\p{N}*])/gu, ""],
  [/[[\]]+/g, ""],
  [/~{2,}/g, ""],
  [/(?<![\p{L}\p{N}_])_+|_+(?![\p{L}\p{N}_])/gu, ""],
  // Tables.
  [/^[^\S\n]*(?:\|[^\S\n]*)?(?::?-{2,}:?[^\S\n]*\|[^\S\n]*)+:?-*:?[^\S\n]*$/gm, " "],
  [/\|/g, ", "],
  // Scheme and query of web addresses, which people do not pronounce.
  [/\bhttps?:\/\/(?:www\.)?([^\s/?#<>"]+)([^\s?#<>"]*)([?#][^\s<>"]*)?/gi, (whole, host, path) => {
    const end = /[.,;:!?)]+$/.exec(whole)?.[0] ?? ""
    return `${host}${path}`.replace(/[.,;:!?)]+$/, "").replace(/\/$/, "") + end
  }],
  // Typographic quotes and dashes become plain quotes, commas and hyphens. A range keeps its dash, which each language pronounces differently.
  [/[‘’‛]/g, "'"],
  [/[“”„«»]/g, "\""],
  [/(?<=^|[^\d\s]\s)[–—](?=\s|$)|(?<=\s)[–—](?=\s+\D|\s*$)/g, ","],
  [/(?<=\p{L})—(?=\p{L})/gu, ", "],
  [/(?<=\p{L})–(?=\p{L})/gu, "-"],
  [/…/g, "..."],
  // Emoji and emoticons.
  [/\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\u{FE0E}|\u{FE0F}|\u{200D}|\u{20E3}|[\u{E0020}-\u{E007F}]/gu, ""],
  [/(?<=^|\s)[:;]['-]?[)(DPp](?=$|[\s.,!?])/g, ""],
  // Escaped signs are restored.
  [/[\uE020-\uE07E]/g, unescapedSign],
  [/(?<![^\S\n])[^\S\n]*\n\s*/g, "\n"],
  [/\s+/g, " "],
  [/ ([,;:!?](?!\d)|\.(?![\p{L}\p{N}]))/gu, "$1"],
  [/,(?: ?,)+/g, ","],
  [/^[\s,;:]+/, ""]
]

/** Returns a whole clause or sentence without markup. The result may be empty. */
export const toSpeech = (text: string): string =>
  rules.reduce((spoken, [pattern, replacement]) =>
    typeof replacement === "string" ? spoken.replace(pattern, replacement) : spoken.replace(pattern, replacement), text).trim()
