"""The HTTP side: OpenAI's `/v1/audio/speech` and, beyond it, `context`, `session` and `max_audio_ms`."""

import base64
import binascii
import hmac
import json
from typing import Any, List, Literal, Optional, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError

from .answer import SpeechAnswer, error_body
from .jobs import Full, Jobs
from .sessions import Sessions
from .settings import Settings
from .speech import Generator, Segment, Speech, max_frames, newest


class ContextSegment(BaseModel):
    speaker: str
    text: str
    audio: str
    """PCM of 16 bits, little-endian, 24 kHz, one channel, as base64."""


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
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"


def create_app(generator: Generator, settings: Settings) -> FastAPI:
    """The server. `app.state.jobs.load` is to be called: until then, and until it is done, no speech is made."""
    app = FastAPI(title="CSM", docs_url=None, redoc_url=None, openapi_url=None)
    jobs = Jobs(generator, settings.queue_limit)
    sessions = Sessions(settings.context_ms)
    app.state.jobs = jobs

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return JSONResponse(error.body, status_code=error.status, headers=error.headers)

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
        return {"voices": list(generator.voices)}

    @app.post("/v1/audio/speech")
    async def speech(request: Request) -> Any:
        authorize(request)
        asked = parse(await read_body(request, settings.max_body_bytes))
        text = asked.input.strip()
        check(asked, text, generator.voices, settings)
        said = [segment(index, part, generator.voices) for index, part in enumerate(asked.context)]
        if jobs.state != "ready":
            raise Refused(503, "The model is still being loaded. Try again in a few seconds.", "loading", retry_after=5)
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
            if session is not None:
                sessions.add(session, [Segment(asked.voice, text, audio)])

        return SpeechAnswer(job, asked.response_format == "wav", asked.stream_format == "sse", asked.stream, len(text), on_whole)

    return app


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


def segment(index: int, part: ContextSegment, voices: Sequence[str]) -> Segment:
    try:
        audio = base64.b64decode(part.audio, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "The audio of a context segment is not base64. Send PCM as base64.", "invalid_value", f"context.{index}.audio") from None
    if len(audio) == 0 or len(audio) % 2 != 0:
        raise Refused(
            422, "The audio of a context segment is not PCM of 16 bits. Send an even number of bytes.", "invalid_value", f"context.{index}.audio"
        )
    if part.speaker not in voices:
        raise Refused(
            422, f"The speaker of a context segment must be one of {', '.join(voices)}.", "invalid_value", f"context.{index}.speaker"
        )
    return Segment(part.speaker, part.text, audio)
