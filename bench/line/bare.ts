/**
 * The bare peer: the smallest possible media echo. It parses each message and stringifies its answer.
 */
import { WebSocketServer } from "ws"

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1" })
server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString())
    if (message.event !== "media") return
    socket.send(
      JSON.stringify({ event: "media", streamSid: message.streamSid, media: { payload: message.media.payload } })
    )
  })
})
server.on("listening", () => console.log("ready"))
