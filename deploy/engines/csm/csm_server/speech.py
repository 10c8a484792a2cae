"""What a generator is asked and how its sound is cut, free of HTTP and of any model."""

import math
import threading
from dataclasses import dataclass
from typing import Iterator, List, Protocol, Sequence, Tuple

SAMPLE_RATE = 24_000
"""Hz, of all sound that is made; context may have another rate. Sound is PCM: 16 bits, little-endian, one channel."""

FRAME_SAMPLES = 1_920
"""One frame of the Mimi codec: 80 ms, 12.5 a second."""

BYTES_PER_SECOND = SAMPLE_RATE * 2
FRAME_BYTES = FRAME_SAMPLES * 2
FRAME_MS = 80


@dataclass(frozen=True)
class Segment:
    """Something that was said: by whom ("0" is as a rule the agent), its words and its sound (PCM)."""

    speaker: str
    text: str
    audio: bytes
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True)
class Speech:
    """What is to be said, after what, and the frames that it may take at most."""

    text: str
    voice: str
    context: Tuple[Segment, ...]
    max_frames: int


class Cancelled(Exception):
    """Nobody listens any more. A generator lets it pass."""


class Sink:
    """Where a generator puts its sound; it belongs to the thread of the generator but for `cancel`."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        """To be called for each frame: raises `Cancelled` when the work is for nobody."""
        if self._cancelled.is_set():
            raise Cancelled()

    def write(self, pcm: bytes) -> None:
        raise NotImplementedError


class Generator(Protocol):
    """The model. `load` and `generate` run in threads of their own; with a `concurrency` of 1, in one and the same."""

    model: str
    voices: Sequence[str]
    concurrency: int

    def load(self) -> None:
        """Weights, compilation and a first run; requests are answered 503 until it returns."""

    def generate(self, speech: Speech, sink: Sink) -> None:
        """Writes the sound in chunks of `chunk_frames`, and calls `sink.check` for each frame."""


def chunk_frames() -> Iterator[int]:
    """Frames a chunk: the first is small for an early start, the others larger, since each has a cost."""
    yield 2
    yield 4
    while True:
        yield 8


MS_PER_CHARACTER = 120
MS_SPARE = 2_000


def max_frames(text: str, asked_ms: "int | None", limit_ms: int) -> int:
    """The model sometimes misses its end of speech: 0.12 s a character and 2 s are enough for any text."""
    allowed = min(len(text) * MS_PER_CHARACTER + MS_SPARE, limit_ms)
    if asked_ms is not None:
        allowed = min(allowed, asked_ms)
    return max(1, math.ceil(allowed / FRAME_MS))


def newest(segments: Sequence[Segment], limit_ms: int) -> Tuple[Segment, ...]:
    """The last segments whose sound together fits the limit: whole ones, for words and sound belong together."""
    room = limit_ms * BYTES_PER_SECOND // 1000
    kept: List[Segment] = []
    for segment in reversed(segments):
        room -= len(segment.audio) * SAMPLE_RATE // segment.sample_rate
        if room < 0:
            break
        kept.append(segment)
    return tuple(reversed(kept))
