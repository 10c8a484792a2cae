"""How uvicorn is to serve: bounds for what a client may hold, in connections and in time."""

import asyncio
from typing import Any, Optional

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .settings import Settings

KEEP_ALIVE_SECONDS = 75
"""A connection may wait so long for its next request: longer than this service's own client keeps one."""


def connection_class(timeout_seconds: float) -> type:
    """A connection whose request's head must come in this time. Uvicorn has no bound for that."""

    class Connection(HttpToolsProtocol):  # type: ignore[misc]
        _head_timer: Optional[asyncio.TimerHandle] = None

        def _expect_head(self) -> None:
            if self._head_timer is None:
                self._head_timer = asyncio.get_running_loop().call_later(timeout_seconds, self.transport.close)

        def _head_came(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect_head()

        def on_message_begin(self) -> None:
            self._expect_head()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._head_came()
            super().on_headers_complete()

        def connection_lost(self, exc: Optional[Exception]) -> None:
            self._head_came()
            super().connection_lost(exc)

    return Connection


def config(app: Any, settings: Settings, **others: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connection_class(settings.client_timeout_seconds),
        ws="none",
        lifespan="off",
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,
        **others,
    )
