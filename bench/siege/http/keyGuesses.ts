import { randomBytes } from "node:crypto"
import { type Attack, countsText } from "../Attack.ts"
import { askAgainAndAgain } from "../requests.ts"

const body = JSON.stringify({ to: "+14155550123" })

const guess = () =>
  [
    "POST /call/outbound HTTP/1.1",
    "Host: x",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `Authorization: Bearer ${randomBytes(16).toString("hex")}`,
    "",
    body
  ].join("\r\n")

export const keyGuesses: Attack = {
  name: "guesses of the API key",
  strength: "as fast as they go, 50 connections",
  run: async (siege) => {
    const begin = performance.now()
    const answers = await askAgainAndAgain(siege, 50, guess)
    const count = [...answers.values()].reduce((sum, number) => sum + number, 0)
    return `${countsText(answers)}; ${Math.round(count / (performance.now() - begin) * 1000)} a second`
  }
}
