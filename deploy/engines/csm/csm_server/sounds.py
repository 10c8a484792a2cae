"""Sound under its hash, so that a client need not send the same sound at every request, and what was said here not at all.

The bytes are kept as they were sent: the rate comes with each reference.
"""

import time
from collections import OrderedDict
from typing import Callable, Optional, Tuple

SMALLEST = 1_024
"""Bytes that a sound counts at least: to keep it costs something too, and tiny ones must not become too many."""


class Sounds:
    """The sounds that were used last. It is what people said: kept in memory only, and not for long."""

    def __init__(self, limit_bytes: int, ttl_seconds: float = 600, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit_bytes
        self._clock = clock
        self._bytes = 0
        self._kept: "OrderedDict[str, Tuple[float, bytes]]" = OrderedDict()
        self.ttl_seconds = ttl_seconds

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, sha256: str) -> Optional[bytes]:
        """A use: the sound is kept from now on as long as a new one."""
        self.expire()
        if sha256 not in self._kept:
            return None
        audio = self._kept[sha256][1]
        self._kept[sha256] = (self._clock(), audio)
        self._kept.move_to_end(sha256)
        return audio

    def add(self, sha256: str, audio: bytes) -> None:
        """The hash is believed. A sound larger than the limit is not kept, for it would only push out all others."""
        self.expire()
        if sha256 in self._kept:
            self._drop(sha256)
        if _cost(audio) > self._limit:
            return
        self._kept[sha256] = (self._clock(), audio)
        self._bytes += _cost(audio)
        while self._bytes > self._limit:
            self._drop(next(iter(self._kept)))

    def expire(self) -> None:
        """To be called now and then too: nobody may ask for a sound any more, and it must go all the same."""
        oldest = self._clock() - self.ttl_seconds
        while self._kept:
            sha256, (used, _) = next(iter(self._kept.items()))
            if used >= oldest:
                break
            self._drop(sha256)

    def _drop(self, sha256: str) -> None:
        self._bytes -= _cost(self._kept.pop(sha256)[1])


def _cost(audio: bytes) -> int:
    return max(len(audio), SMALLEST)
