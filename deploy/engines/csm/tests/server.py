"""A real server on a free port of this machine, and a client that sees the chunks as they come."""

import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Optional

import uvicorn

from csm_server.app import create_app
from csm_server.serving import config
from csm_server.settings import Settings
from csm_server.speech import FRAME_BYTES, Sink, Speech, chunk_frames

PATIENCE = 20
"""Seconds until a test gives up waiting for what must come."""


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


class Stepped:
    """A generator that goes on frame by frame as the test lets it, and keeps what it was asked."""

    model = "stepped"
    voices = ("0", "1")
    concurrency = 1

    def __init__(self, frames: int = 8) -> None:
        self._frames = frames
        self._steps = threading.Semaphore(0)
        self.asked: List[Speech] = []
        self.made = 0
        self.stopped = 0
        self.error_at: Optional[int] = None

    def load(self) -> None:
        pass

    def go(self, frames: int = 1000) -> None:
        for _ in range(frames):
            self._steps.release()

    def generate(self, speech: Speech, sink: Sink) -> None:
        self.asked.append(speech)
        try:
            left, sizes = min(self._frames, speech.max_frames), chunk_frames()
            frame = 0
            while left > 0:
                size = min(left, next(sizes))
                for _ in range(size):
                    while not self._steps.acquire(timeout=0.01):
                        sink.check()
                    sink.check()
                    if frame == self.error_at:
                        raise ValueError("as the test wants it")
                    self.made += 1
                    frame += 1
                sink.write(bytes([frame]) * (size * FRAME_BYTES))
                left -= size
        finally:
            self.stopped += 1


class Client:
    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, method: str, path: str, body: Any = None, headers: Optional[dict] = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        return connection.getresponse()

    def speech(self, body: Any, headers: Optional[dict] = None) -> http.client.HTTPResponse:
        return self.request("POST", "/v1/audio/speech", body, headers)

    def open(self, body: Any) -> socket.socket:
        """Asks for speech and leaves the answer in the socket."""
        data = json.dumps(body).encode()
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)
        return connection


def read_chunk(connection: Any) -> bytes:
    """One chunk of HTTP's chunked transfer, as the server cut it; empty: the last."""
    size = int(connection.readline().strip(), 16)
    data = connection.read(size)
    connection.readline()
    return data


def read_head(connection: Any) -> List[str]:
    lines = []
    while True:
        line = connection.readline().decode().strip()
        if line == "":
            return lines
        lines.append(line)


@contextmanager
def serving(generator: Any, settings: Settings = Settings(), ready: bool = True) -> Iterator[Client]:
    app = create_app(generator, settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config(app, settings, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    jobs = app.state.jobs
    jobs.load(lambda: None)
    if ready:
        until(lambda: jobs.state == "ready")
    try:
        client = Client(listener.getsockname()[1])
        client.server = server  # type: ignore[attr-defined]
        client.jobs = jobs  # type: ignore[attr-defined]
        client.sounds = app.state.sounds  # type: ignore[attr-defined]
        yield client
    finally:
        server.should_exit = True
        server.force_exit = True
        jobs.stop()
        thread.join(PATIENCE)
        listener.close()
