/**
 * Which optional fields of a speech request this server takes or refuses. A request begins with all fields that were not refused before.
 * After each refusal it is sent again without one field that was never tried.
 */

/** The fields in the order in which they are left out. Without `pcm` the request asks for WAV. */
const optionalFields = ["context", "stream", "streamFormat", "pcm"] as const

export type SpeechField = typeof optionalFields[number]

export interface SpeechFields {
  /** The fields that may be sent: taken before, or never tried. */
  readonly usable: () => ReadonlyArray<SpeechField>
  /**
   * The field that a refusal is probably about: the first of these fields that was never tried. If the refusal names the format of the
   * sound and `pcm` was never tried, it is `pcm`.
   */
  readonly suspect: (sent: ReadonlyArray<SpeechField>, namesFormat: boolean) => SpeechField | undefined
  /** Whether the field may be sent: the server has not refused it. */
  readonly mayTake: (field: SpeechField) => boolean
  readonly noteRefused: (field: SpeechField) => void
  /** Notes that a request with exactly these fields was answered. The other untried fields count as refused. */
  readonly noteAnswered: (sent: ReadonlyArray<SpeechField>) => void
}

export const make = (): SpeechFields => {
  const known = new Map<SpeechField, "taken" | "refused">()
  const mayTake = (field: SpeechField) => known.get(field) !== "refused"
  return {
    usable: () => optionalFields.filter(mayTake),
    suspect: (sent, namesFormat) => {
      const untried = sent.filter((field) => !known.has(field))
      return namesFormat && untried.includes("pcm") ? "pcm" : untried.at(0)
    },
    mayTake,
    noteRefused: (field) => void known.set(field, "refused"),
    noteAnswered: (sent) => {
      for (const field of optionalFields) {
        if (!known.has(field)) known.set(field, sent.includes(field) ? "taken" : "refused")
      }
    }
  }
}
