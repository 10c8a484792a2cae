"""Clients that are slow, that do not read, that leave, and that are many."""

import json
import logging
import socket
import time

import pytest

from csm_server.settings import Settings
from csm_server.standin import StandIn

from server import PATIENCE, Stepped, read_head, serving, until

HELLO = {"input": "Hello, how can I help you?", "voice": "0"}
SOON = Settings(client_timeout_seconds=0.3)


def connect(client):
    return socket.create_connection(("127.0.0.1", client.port), timeout=PATIENCE)


def is_closed(connection) -> bool:
    """Whether the server ends the connection, and sends nothing before that."""
    return connection.recv(1) == b""


@pytest.mark.parametrize("begin", [b"", b"POST /v1/audio", b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nX-More: "])
def test_a_head_that_does_not_come_ends_the_connection(begin):
    with serving(StandIn(), SOON) as client:
        with connect(client) as connection:
            connection.sendall(begin)
            assert is_closed(connection)
        assert client.speech(HELLO).status == 200


def test_a_head_that_trickles_ends_the_connection_too():
    with serving(StandIn(), SOON) as client:
        with connect(client) as connection:
            end = time.monotonic() + PATIENCE
            with pytest.raises(OSError):
                while time.monotonic() < end:
                    connection.sendall(b"G")
                    time.sleep(0.02)


def test_a_head_behind_an_answer_ends_the_connection_as_well():
    with serving(StandIn(), SOON) as client:
        with connect(client) as connection, connection.makefile("rb") as answer:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
            head = read_head(answer)
            assert head[0] == "HTTP/1.1 200 OK"
            length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-length"))
            answer.read(length)
            assert answer.read(1) == b""


def test_a_body_that_does_not_come_is_told_so():
    with serving(StandIn(), SOON) as client:
        with connect(client) as connection, connection.makefile("rb") as answer:
            connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            head = read_head(answer)
            assert head[0].startswith("HTTP/1.1 408")
            assert "connection: close" in [line.lower() for line in head]
            assert json.loads(answer.read())["error"]["code"] == "timeout"


def test_one_that_does_not_read_loses_its_place():
    generator = Stepped(frames=250)
    generator.go()
    with serving(generator, SOON) as client:
        text = "A" * 999
        with connect(client) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            data = json.dumps({"input": text, "voice": "0", "stream_format": "sse"}).encode()
            head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
            connection.sendall(head.encode() + data)
            until(lambda: len(generator.asked) == 1)
            until(lambda: client.jobs.taken == 0 and len(client.server.server_state.tasks) == 0)


@pytest.mark.parametrize("part", ["head", "body", "answer"])
def test_one_that_leaves_makes_no_error_in_the_log(part, caplog):
    generator = Stepped(frames=40)
    with caplog.at_level(logging.INFO), serving(generator) as client:
        if part == "answer":
            connection = client.open(HELLO)
            until(lambda: len(generator.asked) == 1)
            generator.go(2)
        else:
            connection = connect(client)
            head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            connection.sendall(head if part == "head" else head + b"\r\n{")
            until(lambda: len(client.server.server_state.connections) == 1)
        connection.close()
        until(lambda: len(client.server.server_state.connections) == 0 and len(client.server.server_state.tasks) == 0)
        generator.go()
        assert client.speech({"input": "Next.", "voice": "1"}).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_more_than_may_be_connected_are_told_so_and_cost_the_others_nothing():
    with serving(StandIn(), Settings(max_connections=3)) as client:
        idle = [connect(client) for _ in range(3)]
        until(lambda: len(client.server.server_state.connections) == 3)
        assert client.speech(HELLO).status == 503
        for connection in idle:
            connection.close()
        until(lambda: len(client.server.server_state.connections) == 0)
        assert client.speech(HELLO).status == 200
