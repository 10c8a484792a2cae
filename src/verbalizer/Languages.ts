/** The languages in which figures are written as words. In other languages, the speech engine gets the text unchanged. */
import type { LanguageRules } from "./LanguageRules.ts"
import { de } from "./languages/de.ts"
import { en } from "./languages/en.ts"
import { es } from "./languages/es.ts"
import { fr } from "./languages/fr.ts"
import { it } from "./languages/it.ts"
import { nl } from "./languages/nl.ts"
import { pl } from "./languages/pl.ts"
import { pt } from "./languages/pt.ts"

/** The rules by language code (ISO 639-1). */
export const languages: ReadonlyMap<string, LanguageRules> = new Map([en, de, fr, es, it, nl, pt, pl].map((rules) => [rules.language, rules]))
