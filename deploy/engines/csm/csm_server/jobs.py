"""The model's own threads, and the line before them."""

import asyncio
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Optional, Union

from .speech import Cancelled, Generator, Sink, Speech

log = logging.getLogger("csm")


class Failed(Exception):
    """The generator raised; what, is in the log."""


class Full(Exception):
    """As many requests wait already as may."""


class Job(Sink):
    """One speech on its way. The sound comes out of `next`; `cancel` stops the generator at its next frame."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._chunks: "asyncio.Queue[Union[bytes, Failed, None]]" = asyncio.Queue()
        self._future: "Optional[Future[None]]" = None

    def write(self, pcm: bytes) -> None:
        self.check()
        self._put(pcm)

    async def next(self) -> Optional[bytes]:
        """The next chunk, or `None` after the last. Raises `Failed`."""
        item = await self._chunks.get()
        if isinstance(item, Failed):
            raise item
        return item

    def cancel(self) -> None:
        super().cancel()
        if self._future is not None:
            self._future.cancel()

    def _put(self, item: "Union[bytes, Failed, None]") -> None:
        try:
            self._loop.call_soon_threadsafe(self._chunks.put_nowait, item)
        except RuntimeError:
            # The loop is closed: the server stops.
            raise Cancelled() from None


class Jobs:
    """Runs the generator, at most `concurrency` at a time and in the order of asking."""

    def __init__(self, generator: Generator, queue_limit: int) -> None:
        self._generator = generator
        self._limit = generator.concurrency + queue_limit
        self._threads = ThreadPoolExecutor(max_workers=generator.concurrency, thread_name_prefix="generator")
        self._lock = threading.Lock()
        self._taken = 0
        self.state = "loading"
        """`loading`, `ready` or `failed`."""

    @property
    def taken(self) -> int:
        """Requests that wait or run."""
        return self._taken

    def load(self, on_failed: Callable[[], None]) -> None:
        """Begins to load, in the thread that will generate."""

        def run() -> None:
            try:
                self._generator.load()
                self.state = "ready"
                log.info("ready")
            except Exception:
                self.state = "failed"
                log.exception("the model could not be loaded")
                on_failed()

        self._threads.submit(run)

    def start(self, speech: Speech) -> Job:
        """To be called on the event loop. Raises `Full`."""
        job = Job(asyncio.get_running_loop())
        with self._lock:
            if self._taken >= self._limit:
                raise Full()
            self._taken += 1
        job._future = self._threads.submit(self._run, speech, job)
        job._future.add_done_callback(self._release)
        return job

    def stop(self) -> None:
        self._threads.shutdown(wait=False)

    def _release(self, _: "Future[None]") -> None:
        with self._lock:
            self._taken -= 1

    def _run(self, speech: Speech, job: Job) -> None:
        try:
            job.check()
            self._generator.generate(speech, job)
            job._put(None)
        except Cancelled:
            pass
        except Exception:
            log.exception("a speech could not be made")
            job._put(Failed())
