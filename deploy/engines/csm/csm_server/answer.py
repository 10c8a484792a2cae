"""The answer: sound as it is made, in one of four forms. A client that goes away stops the generator."""

import asyncio
import base64
import json
import struct
from typing import Any, Awaitable, Callable, Optional

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from .jobs import Failed, Job
from .speech import FRAME_BYTES, SAMPLE_RATE


def error_body(message: str, kind: str, code: Optional[str] = None, param: Optional[str] = None) -> Any:
    """OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


FAILED = error_body("The speech could not be made; the server's log says why. Try again.", "server_error", "failed")

CONTEXT_HASHES = {"x-context-hashes": "1"}
"""The header by which a client knows that context may be sent as a hash and at 8 kHz, and that what was said whole has a hash too.

Other servers would pass these fields over.
"""

UNKNOWN_LENGTH = 0xFFFFFFFF


def wav_header(data_bytes: int = UNKNOWN_LENGTH) -> bytes:
    """44 bytes. A stream's length is not known yet; readers take the highest number for that."""
    riff = UNKNOWN_LENGTH if data_bytes == UNKNOWN_LENGTH else data_bytes + 36
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE * 2, 2, 16, b"data", data_bytes),
    )


def event(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


class _Gone(Exception):
    """The client closed the connection."""


class SpeechAnswer(Response):
    """Waits for the first sound before it answers, so that a failure up to then has its own status.

    It watches the connection itself: Starlette does that differently from version to version, and not before the first byte.
    """

    def __init__(self, timeout_seconds: float, job: Job, wav: bool, sse: bool, stream: bool, characters: int, on_whole: Callable[[bytes], None]) -> None:
        super().__init__()
        self._timeout_seconds = timeout_seconds
        self._job = job
        self._wav = wav
        self._sse = sse
        self._stream = stream
        self._characters = characters
        self._on_whole = on_whole
        self._said = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))

        async def send_in_time(message: Message) -> None:
            """One that does not read is as good as gone: a send waits for it."""
            try:
                await asyncio.wait_for(send(message), self._timeout_seconds)
            except asyncio.TimeoutError:
                raise _Gone() from None

        try:
            await self._answer(scope, receive, send_in_time, gone)
        except (_Gone, OSError):
            # Newer servers raise OSError for a send to nobody.
            pass
        finally:
            self._job.cancel()
            gone.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send, gone: "asyncio.Future[None]") -> None:
        try:
            chunk = await self._next(gone)
            if not self._stream:
                while chunk is not None:
                    chunk = await self._next(gone)
        except Failed:
            await JSONResponse(FAILED, status_code=500)(scope, receive, send)
            return
        if not self._stream:
            self._on_whole(self._said)
            body = (wav_header(len(self._said)) if self._wav else b"") + self._said
            await self._start(send, len(body))
            await send({"type": "http.response.body", "body": body})
            return
        await self._start(send)
        if self._wav and not self._sse:
            await _more(send, wav_header())
        try:
            while chunk is not None:
                await _more(send, self._delta(chunk))
                chunk = await self._next(gone)
        except Failed:
            if not self._sse:
                # The only sign that is left: the connection closes before the last chunk.
                raise
            await _more(send, event({"type": "speech.audio.error", **FAILED}))
        else:
            self._on_whole(self._said)
            if self._sse:
                await _more(send, self._done())
        await send({"type": "http.response.body", "body": b""})

    async def _next(self, gone: "asyncio.Future[None]") -> Optional[bytes]:
        chunk = await _unless(gone, self._job.next())
        if chunk is not None:
            self._said += chunk
        return chunk

    async def _start(self, send: Send, length: Optional[int] = None) -> None:
        headers = {
            "content-type": "text/event-stream" if self._sse else "audio/wav" if self._wav else "audio/pcm",
            "x-sample-rate": str(SAMPLE_RATE),
            "x-channels": "1",
            "x-bit-depth": "16",
            "cache-control": "no-store",
            **CONTEXT_HASHES,
            **({} if length is None else {"content-length": str(length)}),
        }
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )

    def _delta(self, chunk: bytes) -> bytes:
        if not self._sse:
            return chunk
        return event({"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()})

    def _done(self) -> bytes:
        """Characters in, frames out: this model has no other count that a client could use."""
        frames = len(self._said) // FRAME_BYTES
        usage = {"input_tokens": self._characters, "output_tokens": frames, "total_tokens": self._characters + frames}
        return event({"type": "speech.audio.done", "usage": usage})


async def _more(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unless(gone: "asyncio.Future[None]", work: Awaitable[Optional[bytes]]) -> Optional[bytes]:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            raise _Gone()
        return task.result()
    finally:
        task.cancel()
