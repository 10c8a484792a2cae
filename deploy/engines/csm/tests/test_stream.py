import base64
import json
import struct
import wave
from io import BytesIO

from csm_server.settings import Settings
from csm_server.speech import FRAME_BYTES
from csm_server.standin import StandIn

from server import Stepped, read_chunk, read_head, serving, until

HELLO = {"input": "Hello, how can I help you?", "voice": "0"}


def test_the_first_chunk_is_sent_while_the_rest_is_still_to_be_made():
    generator = Stepped(frames=20)
    with serving(generator) as client:
        with client.open(HELLO).makefile("rb") as answer:
            generator.go(2)
            head = read_head(answer)
            assert head[0] == "HTTP/1.1 200 OK"
            assert "x-sample-rate: 24000" in head and "content-type: audio/pcm" in head
            assert "transfer-encoding: chunked" in [line.lower() for line in head]
            assert len(read_chunk(answer)) == 2 * FRAME_BYTES
            assert generator.made == 2
            generator.go(18)
            sizes = []
            while chunk := read_chunk(answer):
                sizes.append(len(chunk) // FRAME_BYTES)
            assert sizes == [4, 8, 6]


def test_speech_is_whole_samples_and_as_long_as_the_text_makes_it():
    with serving(StandIn()) as client:
        audio = client.speech(HELLO).read()
        assert len(audio) == 20 * FRAME_BYTES  # 26 characters of 60 ms are 19.5 frames
        samples = struct.unpack(f"<{len(audio) // 2}h", audio)
        assert max(samples) > 7000 and min(samples) < -7000


def test_closing_the_connection_stops_the_generator_and_frees_its_place():
    generator = Stepped(frames=40)
    with serving(generator) as client:
        connection = client.open(HELLO)
        generator.go(2)
        with connection.makefile("rb") as answer:
            read_head(answer)
            read_chunk(answer)
        connection.close()
        until(lambda: generator.stopped == 1 and client.jobs.taken == 0)
        assert generator.made == 2
        generator.go(1000)
        assert len(client.speech({"input": "Next.", "voice": "1"}).read()) == 33 * FRAME_BYTES  # its cap


def test_closing_before_the_first_sound_stops_it_too():
    generator = Stepped()
    with serving(generator) as client:
        connection = client.open(HELLO)
        until(lambda: len(generator.asked) == 1)
        connection.close()
        until(lambda: generator.stopped == 1)
        assert generator.made == 0


def test_one_that_waits_and_goes_away_never_reaches_the_generator():
    generator = Stepped()
    with serving(generator) as client:
        first = client.open(HELLO)
        until(lambda: len(generator.asked) == 1)
        second = client.open({"input": "Waits.", "voice": "0"})
        until(lambda: client.jobs.taken == 2)
        second.close()
        until(lambda: client.jobs.taken == 1)
        generator.go()
        with first.makefile("rb") as answer:
            read_head(answer)
            while read_chunk(answer):
                pass
        until(lambda: client.jobs.taken == 0)
        assert [speech.text for speech in generator.asked] == [HELLO["input"]]


def test_requests_are_served_in_the_order_in_which_they_came():
    generator = Stepped(frames=1)
    with serving(generator) as client:
        connections = []
        for number in range(4):
            connections.append(client.open({"input": f"Number {number}.", "voice": "0"}))
            until(lambda: client.jobs.taken == number + 1)
        generator.go()
        for connection in connections:
            with connection.makefile("rb") as answer:
                assert read_head(answer)[0] == "HTTP/1.1 200 OK"
                while read_chunk(answer):
                    pass
        assert [speech.text for speech in generator.asked] == [f"Number {number}." for number in range(4)]


def test_one_more_than_may_wait_is_told_when_to_come_again():
    generator = Stepped()
    with serving(generator, Settings(queue_limit=1)) as client:
        kept = [client.open(HELLO)]
        until(lambda: client.jobs.taken == 1)
        kept.append(client.open(HELLO))
        until(lambda: client.jobs.taken == 2)
        answer = client.speech(HELLO)
        assert answer.status == 429
        assert answer.headers["retry-after"] == "1"
        assert json.load(answer)["error"]["code"] == "queue_full"
        generator.go()
        until(lambda: client.jobs.taken == 0)
        assert client.speech(HELLO).status == 200


def test_two_at_once_where_the_generator_can():
    generator = Stepped(frames=1)
    generator.concurrency = 2
    with serving(generator) as client:
        kept = [client.open(HELLO), client.open(HELLO)]
        until(lambda: len(generator.asked) == 2)
        assert generator.stopped == 0
        generator.go()
        for connection in kept:
            connection.close()


def test_wav_in_a_stream_has_an_unknown_length():
    with serving(StandIn()) as client:
        answer = client.speech({**HELLO, "response_format": "wav"})
        assert answer.headers["content-type"] == "audio/wav"
        data = answer.read()
        assert data[:4] == b"RIFF" and data[8:16] == b"WAVEfmt "
        assert struct.unpack("<I", data[4:8])[0] == struct.unpack("<I", data[40:44])[0] == 0xFFFFFFFF
        assert struct.unpack("<HHIIHH", data[20:36]) == (1, 1, 24000, 48000, 2, 16)
        assert len(data) == 44 + 20 * FRAME_BYTES


def test_wav_as_a_whole_is_a_file():
    with serving(StandIn()) as client:
        answer = client.speech({**HELLO, "response_format": "wav", "stream": False})
        data = answer.read()
        assert int(answer.headers["content-length"]) == len(data)
        with wave.open(BytesIO(data)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24000, 1, 2)
            assert file.getnframes() == 20 * 1920


def test_sse_carries_the_same_sound_and_ends_with_done():
    with serving(StandIn()) as client:
        plain = client.speech(HELLO).read()
        answer = client.speech({**HELLO, "stream_format": "sse"})
        assert answer.headers["content-type"] == "text/event-stream"
        text = answer.read().decode()
        assert text.endswith("\n\n")
        events = [json.loads(line[len("data: "):]) for line in text.strip().split("\n\n")]
        assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
        assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == plain
        assert events[-1] == {
            "type": "speech.audio.done",
            "usage": {"input_tokens": 26, "output_tokens": 20, "total_tokens": 46},
        }


def test_a_failure_before_the_first_sound_is_a_500_and_the_next_request_is_served():
    generator = Stepped()
    generator.error_at = 0
    generator.go()
    with serving(generator) as client:
        answer = client.speech(HELLO)
        assert answer.status == 500
        assert json.load(answer)["error"]["type"] == "server_error"
        generator.error_at = None
        assert client.speech(HELLO).status == 200


def test_a_failure_in_mid_stream_breaks_the_transfer():
    generator = Stepped(frames=20)
    generator.error_at = 5
    generator.go()
    with serving(generator) as client:
        with client.open(HELLO).makefile("rb") as answer:
            read_head(answer)
            rest = answer.read()
            assert len(rest) > 2 * FRAME_BYTES
            assert not rest.endswith(b"0\r\n\r\n")


def test_a_failure_in_mid_stream_is_an_event_in_sse():
    generator = Stepped(frames=20)
    generator.error_at = 5
    generator.go()
    with serving(generator) as client:
        lines = client.speech({**HELLO, "stream_format": "sse"}).read().decode().strip().split("\n\n")
        last = json.loads(lines[-1][len("data: "):])
        assert last["type"] == "speech.audio.error"
        assert last["error"]["type"] == "server_error"
