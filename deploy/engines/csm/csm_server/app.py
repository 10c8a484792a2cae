"""The HTTP side: OpenAI's `/v1/audio/speech` and, beyond it, `context`, `session` and `max_audio_ms`."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import Any, List, Literal, Optional, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect

from .answer import CONTEXT_HASHES, SpeechAnswer, error_body
from .jobs import Full, Jobs
from .sessions import Sessions
from .settings import Settings
from .sounds import Sounds
from .speech import Generator, Segment, Speech, max_frames, newest


class ContextSegment(BaseModel):
    speaker: str
    text: str
    audio: Optional[str] = None
    """PCM of 16 bits, little-endian, one channel, as base64."""

    sha256: Optional[str] = None
    """Of the PCM as it was sent, in lower-case hex. With `audio` the sound is kept under it; without, the kept sound is taken."""

    sample_rate: Literal[8000, 24000] = 24000
    """Hz, of the PCM, also of one that is only referred to: it is not kept with the sound."""


class SpeechRequest(BaseModel):
    """Fields that are not known are passed over, as OpenAI's servers do."""

    input: str
    voice: str = "0"
    response_format: Literal["pcm", "wav"] = "pcm"
    stream: bool = True
    stream_format: Literal["audio", "sse"] = "audio"
    speed: float = 1.0
    context: List[ContextSegment] = Field(default_factory=list)
    max_audio_ms: Optional[int] = Field(default=None, ge=80)
    session: Optional[str] = Field(default=None, min_length=1, max_length=128)


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str, param: Optional[str] = None, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        kind = "invalid_request_error" if status < 500 and status != 429 else "server_error"
        self.body = error_body(message, kind, code, param)
        self.headers = {"Retry-After": str(retry_after)} if retry_after > 0 else {}
        if status in (408, 413):
            # The rest of the body is not read.
            self.headers["Connection"] = "close"
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"


def create_app(generator: Generator, settings: Settings) -> FastAPI:
    """The server. `app.state.jobs.load` is to be called: until then, and until it is done, no speech is made."""
    app = FastAPI(title="CSM", docs_url=None, redoc_url=None, openapi_url=None)
    jobs = Jobs(generator, settings.queue_limit)
    sessions = Sessions(settings.context_ms)
    sounds = Sounds(settings.kept_audio_bytes)
    app.state.jobs = jobs
    app.state.sounds = sounds

    def expire_in_time() -> None:
        """Sound must go in time even when no further request comes."""
        asyncio.get_running_loop().call_later(sounds.ttl_seconds + 1, sounds.expire)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return JSONResponse(error.body, status_code=error.status, headers=error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: Exception) -> Response:
        """A client that leaves in the middle of its request is no error. Nobody reads the answer."""
        return Response(status_code=499)

    @app.exception_handler(404)
    async def not_found(_: Request, __: Exception) -> JSONResponse:
        message = "There is nothing here. Speech is made at POST /v1/audio/speech."
        return JSONResponse(error_body(message, "invalid_request_error", "not_found"), status_code=404)

    @app.exception_handler(405)
    async def not_allowed(_: Request, __: Exception) -> JSONResponse:
        message = "This path takes another method. Speech is made at POST /v1/audio/speech."
        return JSONResponse(error_body(message, "invalid_request_error", "method_not_allowed"), status_code=405)

    def authorize(request: Request) -> None:
        if settings.api_key is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), settings.api_key.encode()):
            raise Refused(401, "The API key is missing or wrong. Send it as Authorization: Bearer.", "invalid_api_key")

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse(
            {"status": jobs.state, "model": generator.model, "requests": jobs.taken},
            status_code=503 if jobs.state == "failed" else 200,
        )

    @app.get("/ready")
    async def ready() -> JSONResponse:
        if jobs.state == "ready":
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": jobs.state}, status_code=503, headers={"Retry-After": "5"})

    @app.get("/v1/models")
    async def models(request: Request) -> Any:
        authorize(request)
        return {"object": "list", "data": [{"id": generator.model, "object": "model", "created": 0, "owned_by": "sesame"}]}

    @app.get("/v1/audio/voices")
    async def voices(request: Request) -> Any:
        authorize(request)
        return JSONResponse({"voices": list(generator.voices)}, headers=CONTEXT_HASHES)

    @app.post("/v1/audio/speech")
    async def speech(request: Request) -> Any:
        authorize(request)
        asked = parse(await body_of(request, settings))
        text = asked.input.strip()
        check(asked, text, generator.voices, settings)
        sent = [sound(index, part, generator.voices) for index, part in enumerate(asked.context)]
        if jobs.state != "ready":
            raise Refused(503, "The model is still being loaded. Try again in a few seconds.", "loading", retry_after=5)
        if any(part.sha256 is not None for part in asked.context):
            expire_in_time()
        said = segments(asked.context, sent, sounds)
        session = asked.session
        context = newest(said if session is None else [*sessions.get(session), *said], settings.context_ms)
        frames = max_frames(text, asked.max_audio_ms, settings.max_audio_ms)
        try:
            job = jobs.start(Speech(text, asked.voice, context, frames))
        except Full:
            raise Refused(429, "Too many requests wait already. Try again in a second.", "queue_full", retry_after=1) from None
        if session is not None:
            sessions.add(session, said)

        def on_whole(audio: bytes) -> None:
            if len(audio) == 0:
                # The model ended at once. Context without sound is refused from clients too.
                return
            sounds.add(hashlib.sha256(audio).hexdigest(), audio)
            expire_in_time()
            if session is not None:
                sessions.add(session, [Segment(asked.voice, text, audio)])

        return SpeechAnswer(settings.client_timeout_seconds, job, asked.response_format == "wav", asked.stream_format == "sse", asked.stream, len(text), on_whole)

    return app


async def body_of(request: Request, settings: Settings) -> bytes:
    try:
        return await asyncio.wait_for(read_body(request, settings.max_body_bytes), settings.client_timeout_seconds)
    except asyncio.TimeoutError:
        message = f"The body did not come within {settings.client_timeout_seconds:g} seconds. Send it at once."
        raise Refused(408, message, "timeout") from None


async def read_body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, f"The request is larger than {limit} bytes. Send less context.", "too_large")
    return bytes(body)


def parse(body: bytes) -> SpeechRequest:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON. Send an object with input and voice.", "not_json") from None
    if not isinstance(data, dict):
        raise Refused(400, "The body is not an object. Send one with input and voice.", "not_an_object")
    try:
        return SpeechRequest(**data)
    except ValidationError as error:
        first = error.errors()[0]
        param = ".".join(str(part) for part in first["loc"])
        raise Refused(422, f"{param}: {first['msg']}. Correct it and send again.", "invalid_value", param) from None


def check(asked: SpeechRequest, text: str, voices: Sequence[str], settings: Settings) -> None:
    if text == "":
        raise Refused(422, "input is empty. Send the text to be said.", "invalid_value", "input")
    if len(text) > settings.max_characters:
        raise Refused(
            413, f"input is longer than {settings.max_characters} characters. Send it sentence by sentence.", "too_large", "input"
        )
    if asked.voice not in voices:
        raise Refused(422, f"voice must be one of {', '.join(voices)}. Choose one of them.", "invalid_value", "voice")
    if asked.speed != 1.0:
        raise Refused(422, "speed can't be changed with this model. Leave it out.", "invalid_value", "speed")
    if asked.stream_format == "sse" and (asked.response_format == "wav" or not asked.stream):
        raise Refused(
            422, "stream_format sse takes response_format pcm and a stream. Correct it and send again.", "invalid_value", "stream_format"
        )


SHA256 = re.compile("[0-9a-f]{64}")


def sound(index: int, part: ContextSegment, voices: Sequence[str]) -> Optional[bytes]:
    """The sound that came with a segment; `None`: it is only referred to."""
    audio = None
    if part.audio is not None:
        try:
            audio = base64.b64decode(part.audio, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                422, "The audio of a context segment is not base64. Send PCM as base64.", "invalid_value", f"context.{index}.audio"
            ) from None
        if len(audio) == 0 or len(audio) % 2 != 0:
            raise Refused(
                422, "The audio of a context segment is not PCM of 16 bits. Send an even number of bytes.", "invalid_value", f"context.{index}.audio"
            )
    elif part.sha256 is None:
        raise Refused(
            422, "A context segment has no sound. Send its audio, or the sha256 of audio sent before.", "invalid_value", f"context.{index}.audio"
        )
    if part.sha256 is not None:
        if SHA256.fullmatch(part.sha256) is None:
            raise Refused(
                422, "The sha256 of a context segment is not 64 digits of lower-case hex. Correct it.", "invalid_value", f"context.{index}.sha256"
            )
        if audio is not None and hashlib.sha256(audio).hexdigest() != part.sha256:
            raise Refused(
                422, "The sha256 of a context segment is not that of its audio. Send that of the PCM.", "invalid_value", f"context.{index}.sha256"
            )
    if part.speaker not in voices:
        raise Refused(
            422, f"The speaker of a context segment must be one of {', '.join(voices)}.", "invalid_value", f"context.{index}.speaker"
        )
    return audio


def segments(parts: Sequence[ContextSegment], sent: Sequence[Optional[bytes]], sounds: Sounds) -> List[Segment]:
    """Takes what is referred to before it keeps what was sent, so that the new can't push out what this request needs.

    It keeps all that was sent before it refuses: the client then has only the rest to send again.
    """
    new = {part.sha256: audio for part, audio in zip(parts, sent) if part.sha256 is not None and audio is not None}
    said: List[Segment] = []
    unknown: List[int] = []
    for index, (part, audio) in enumerate(zip(parts, sent)):
        if audio is None and part.sha256 is not None:
            audio = new.get(part.sha256) or sounds.get(part.sha256)
        if audio is None:
            unknown.append(index)
        else:
            said.append(Segment(part.speaker, part.text, audio, part.sample_rate))
    for sha256, audio in new.items():
        sounds.add(sha256, audio)
    if unknown:
        raise Refused(
            409, "The sound of a context segment is not known here any more. Send its audio again.", "unknown_audio", f"context.{unknown[0]}.sha256"
        )
    return said
