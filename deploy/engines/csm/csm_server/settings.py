"""Every variable of this server, with what it is when unset."""

import os
from dataclasses import dataclass
from typing import Mapping, Optional


@dataclass(frozen=True)
class Settings:
    api_key: Optional[str] = None
    """`API_KEY`: the bearer token that /v1 asks for; unset: none."""

    queue_limit: int = 8
    """`QUEUE_LIMIT`: requests that may wait for the model; one more is answered 429."""

    max_characters: int = 1_000
    """`MAX_CHARACTERS` of `input`."""

    max_audio_ms: int = 20_000
    """`MAX_AUDIO_MS` of one answer, whatever is asked; with its context it must fit the model's positions."""

    context_ms: int = 30_000
    """`CONTEXT_MS` of sound before the answer; what is older is left out."""

    max_body_bytes: int = 16 * 1024 * 1024
    """`MAX_BODY_BYTES` of a request."""

    client_timeout_seconds: float = 30
    """`CLIENT_TIMEOUT_SECONDS` that a client may take for the head of its request, for the body, and to take each piece of the answer."""

    max_connections: int = 128
    """`MAX_CONNECTIONS` at once; a request on one more is answered 503."""

    kept_audio_bytes: int = 256 * 1024 * 1024
    """`KEPT_AUDIO_BYTES` of sound that requests may refer to by hash; what was used longest ago goes first."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises `ValueError` with a sentence for the operator."""

    def number(name: str, fallback: int) -> int:
        text = environment.get(name, "").strip()
        if text == "":
            return fallback
        if not text.isdigit() or int(text) == 0:
            raise ValueError(f"{name} must be a whole number above 0, not {text!r}. Set it, for example {name}={fallback}.")
        return int(text)

    return Settings(
        api_key=environment.get("API_KEY", "").strip() or None,
        queue_limit=number("QUEUE_LIMIT", Settings.queue_limit),
        max_characters=number("MAX_CHARACTERS", Settings.max_characters),
        max_audio_ms=number("MAX_AUDIO_MS", Settings.max_audio_ms),
        context_ms=number("CONTEXT_MS", Settings.context_ms),
        client_timeout_seconds=number("CLIENT_TIMEOUT_SECONDS", int(Settings.client_timeout_seconds)),
        max_connections=number("MAX_CONNECTIONS", Settings.max_connections),
        max_body_bytes=number("MAX_BODY_BYTES", Settings.max_body_bytes),
        kept_audio_bytes=number("KEPT_AUDIO_BYTES", Settings.kept_audio_bytes),
    )
