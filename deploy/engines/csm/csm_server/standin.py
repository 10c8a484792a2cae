"""A generator without a model: a tone whose length follows the text. For tests, and to try the server where no GPU is."""

import math
import struct
import time
from typing import Callable, Sequence

from .speech import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, Sink, Speech, chunk_frames


class StandIn:
    """60 ms of tone a character, 200 Hz and up by the voice. `frame_seconds` is what one frame costs."""

    model = "stand-in"
    voices: Sequence[str] = ("0", "1")

    def __init__(self, frame_seconds: float = 0.0, concurrency: int = 1, load: Callable[[], None] = lambda: None) -> None:
        self.concurrency = concurrency
        self._frame_seconds = frame_seconds
        self._load = load
        self.frames_made = 0

    def load(self) -> None:
        self._load()

    def generate(self, speech: Speech, sink: Sink) -> None:
        frames = min(speech.max_frames, max(1, math.ceil(len(speech.text) * 60 / FRAME_MS)))
        hertz = 200 + 100 * int(speech.voice)
        chunk = b""
        sizes = chunk_frames()
        size = next(sizes)
        for frame in range(frames):
            sink.check()
            if self._frame_seconds > 0:
                time.sleep(self._frame_seconds)
            start = frame * FRAME_SAMPLES
            chunk += struct.pack(
                f"<{FRAME_SAMPLES}h",
                *(int(8000 * math.sin(2 * math.pi * hertz * n / SAMPLE_RATE)) for n in range(start, start + FRAME_SAMPLES)),
            )
            self.frames_made += 1
            if len(chunk) == size * FRAME_SAMPLES * 2 or frame == frames - 1:
                sink.write(chunk)
                chunk = b""
                size = next(sizes)
