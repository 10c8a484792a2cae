/**
 * The signs of currencies and the symbols of units, in all languages.
 */

/** Currency signs with their codes (ISO 4217). `$` stands for itself, because people say "dollars" without a country. */
export const currencySigns: Readonly<Record<string, string>> = {
  "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS", "zł": "PLN", "Kč": "CZK", "R$": "BRL",
  "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "Fr.": "CHF", "$": "$"
}

/** The currency codes that are read as currencies beside figures. Other codes, such as "ALL", could be words. */
export const currencyCodes = [
  "EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "PLN", "CZK", "SEK", "NOK", "DKK", "HUF", "RON", "BGN", "TRY", "INR", "CNY", "BRL", "MXN", "ARS", "CLP", "COP", "ZAR", "ILS", "KRW", "SGD", "HKD", "UAH"
]

/**
 * Unit symbols with their names in `Intl.NumberFormat`. The name is empty if `Intl` does not have the unit. Such a symbol matches only after
 * the first number of a range whose last number has a unit with a name, and is not spoken: `5 t – 7 kg`.
 */
export const units: Readonly<Record<string, string>> = {
  "%": "percent", "°C": "celsius", "ºC": "celsius", "℃": "celsius", "°F": "fahrenheit", "℉": "fahrenheit", "°": "degree",
  km: "kilometer", m: "meter", cm: "centimeter", mm: "millimeter", mi: "mile", ft: "foot", yd: "yard",
  kg: "kilogram", g: "gram", lb: "pound", oz: "ounce", t: "", l: "liter", L: "liter", ml: "milliliter", mL: "milliliter", cl: "",
  h: "hour", hr: "hour", min: "minute", s: "second", sec: "second", ms: "millisecond",
  KB: "kilobyte", kB: "kilobyte", MB: "megabyte", GB: "gigabyte", TB: "terabyte", Mbit: "megabit", Gbit: "gigabit",
  "km/h": "kilometer-per-hour", kmh: "kilometer-per-hour", "m/s": "meter-per-second", mph: "mile-per-hour", "l/100km": "", ha: "hectare",
  "Mbit/s": "megabit-per-second", "Mb/s": "megabit-per-second", Mbps: "megabit-per-second", "MB/s": "megabyte-per-second"
}
