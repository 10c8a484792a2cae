"""What was said in each session, so that a client need not send it again at every turn."""

import time
from collections import OrderedDict
from typing import Callable, List, Sequence, Tuple

from .speech import Segment, newest


class Sessions:
    """The newest sound of the most recent sessions. It is what people said: kept in memory only, and not for long."""

    def __init__(
        self,
        context_ms: int,
        limit: int = 64,
        ttl_seconds: float = 600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context_ms = context_ms
        self._limit = limit
        self._ttl = ttl_seconds
        self._clock = clock
        self._kept: "OrderedDict[str, Tuple[float, Tuple[Segment, ...]]]" = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, session: str) -> Tuple[Segment, ...]:
        self._expire()
        return self._kept.get(session, (0.0, ()))[1]

    def add(self, session: str, segments: Sequence[Segment]) -> Tuple[Segment, ...]:
        """Appends, and returns what is kept of the session."""
        together: List[Segment] = [*self.get(session), *segments]
        kept = newest(together, self._context_ms)
        self._kept[session] = (self._clock(), kept)
        self._kept.move_to_end(session)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return kept

    def _expire(self) -> None:
        oldest = self._clock() - self._ttl
        while self._kept:
            session, (used, _) = next(iter(self._kept.items()))
            if used >= oldest:
                break
            del self._kept[session]
