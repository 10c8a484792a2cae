import base64
import hashlib
import json
import threading

import pytest

from csm_server.settings import Settings, from_environment
from csm_server.sessions import Sessions
from csm_server.sounds import SMALLEST, Sounds
from csm_server.speech import FRAME_BYTES, Segment, max_frames, newest
from csm_server.standin import StandIn

from server import Stepped, read_chunk, read_head, serving, until

SECOND = b"\x01\x02" * 24_000


def said(speaker, text, seconds):
    return {"speaker": speaker, "text": text, "audio": base64.b64encode(SECOND * seconds).decode()}


def hashed(speaker, text, audio, **fields):
    """As it is sent first, and as it is then referred to."""
    reference = {"speaker": speaker, "text": text, "sha256": hashlib.sha256(audio).hexdigest(), **fields}
    return {**reference, "audio": base64.b64encode(audio).decode()}, reference


def pcm(body):
    """The sound of an answer, whatever its form."""
    if body.startswith(b"data: "):
        events = [json.loads(line[len("data: "):]) for line in body.decode().strip().split("\n\n")]
        return b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    return body[44:] if body.startswith(b"RIFF") else body


def refused(client, *context):
    answer = client.speech({"input": "Sure, one moment.", "context": list(context)})
    error = json.load(answer)["error"]
    return answer.status, error["code"], error["param"]


def speak(client, **fields):
    answer = client.speech({"input": "Sure, one moment.", "voice": "0", **fields})
    return answer.status, answer.read()


def test_context_reaches_the_generator_in_order_with_its_sound():
    generator = Stepped(frames=1)
    generator.go()
    with serving(generator) as client:
        speak(client, context=[said("1", "Can you check my order?", 2), said("0", "Of course.", 1)])
        assert generator.asked[0].context == (
            Segment("1", "Can you check my order?", SECOND * 2),
            Segment("0", "Of course.", SECOND),
        )
        assert generator.asked[0].voice == "0"


def test_old_context_is_left_out_by_whole_segments():
    generator = Stepped(frames=1)
    generator.go()
    with serving(generator, Settings(context_ms=3000)) as client:
        speak(client, context=[said("1", "old", 1), said("0", "middle", 2), said("1", "new", 1)])
        assert [segment.text for segment in generator.asked[0].context] == ["middle", "new"]
        speak(client, context=[said("0", "small", 1), said("1", "too long", 4)])
        assert generator.asked[1].context == ()


def test_sound_of_the_telephone_reaches_the_generator_as_it_was_sent_with_its_rate():
    generator = Stepped(frames=1)
    generator.go()
    sent, reference = hashed("1", "Hello?", SECOND, sample_rate=8000)
    with serving(generator) as client:
        assert speak(client, context=[sent, {**said("0", "Yes.", 1), "sample_rate": 24000}])[0] == 200
        assert generator.asked[0].context == (Segment("1", "Hello?", SECOND, 8000), Segment("0", "Yes.", SECOND, 24000))
        assert speak(client, session="call-1", context=[reference])[0] == 200
        assert generator.asked[1].context == (Segment("1", "Hello?", SECOND, 8000),)
        speak(client, session="call-1")
        assert generator.asked[2].context[0] == Segment("1", "Hello?", SECOND, 8000)


def test_the_rate_comes_with_each_reference_and_is_not_kept():
    generator = Stepped(frames=1)
    generator.go()
    sent, _ = hashed("1", "Hello?", SECOND, sample_rate=8000)
    _, reference = hashed("1", "Hello?", SECOND)
    with serving(generator) as client:
        assert speak(client, context=[sent, reference])[0] == 200
        assert [segment.sample_rate for segment in generator.asked[0].context] == [8000, 24000]


def test_the_newest_context_is_counted_in_time_whatever_its_rate():
    slow = [Segment("1", name, SECOND, 8000) for name in ("old", "new")]  # 3 s each
    fast = Segment("0", "fast", SECOND)
    assert newest([*slow, fast], 7000) == (*slow, fast)
    assert newest([*slow, fast], 6999) == (slow[1], fast)
    assert newest([fast, *slow], 6000) == tuple(slow)
    assert newest(slow, 2999) == ()
    generator = Stepped(frames=1)
    generator.go()
    with serving(generator, Settings(context_ms=4000)) as client:
        speak(client, context=[said("0", "left out", 1), {**said("1", "3 s", 1), "sample_rate": 8000}, said("0", "1 s", 1)])
        assert [segment.text for segment in generator.asked[0].context] == ["3 s", "1 s"]


def test_a_session_remembers_what_both_said():
    generator = Stepped(frames=1)
    generator.go()
    with serving(generator) as client:
        speak(client, session="call-1", context=[said("1", "Hello?", 1)])
        speak(client, session="call-1", context=[said("1", "And tomorrow?", 1)])
        speak(client, session="call-2")
        assert [segment.text for segment in generator.asked[1].context] == ["Hello?", "Sure, one moment.", "And tomorrow?"]
        assert generator.asked[1].context[1].audio == b"\x01" * FRAME_BYTES
        assert generator.asked[2].context == ()


def test_speech_that_was_broken_off_is_not_remembered():
    generator = Stepped(frames=40)
    with serving(generator) as client:
        connection = client.open({"input": "I was going to say something.", "session": "call-1"})
        generator.go(2)
        connection.recv(1)
        connection.close()
        until(lambda: generator.stopped == 1)
        generator.go()
        speak(client, session="call-1")
        assert generator.asked[1].context == ()


def test_sessions_are_few_short_and_not_for_ever():
    now = [0.0]
    sessions = Sessions(context_ms=2000, limit=2, ttl_seconds=60, clock=lambda: now[0])
    sessions.add("a", [Segment("0", "one", SECOND)])
    assert [segment.text for segment in sessions.add("a", [Segment("1", "two", SECOND), Segment("0", "three", SECOND)])] == ["two", "three"]
    sessions.add("b", [])
    sessions.add("a", [])
    sessions.add("c", [])
    assert sessions.get("a") != () and len(sessions) == 2
    now[0] = 61
    assert sessions.get("a") == () and len(sessions) == 0


def test_sound_is_sent_once_and_then_referred_to_by_its_hash():
    generator = Stepped(frames=1)
    generator.go()
    sent, reference = hashed("1", "Hello?", SECOND)
    with serving(generator) as client:
        assert speak(client, context=[sent])[0] == 200
        assert speak(client, session="call-1", context=[reference, said("0", "Yes.", 2)])[0] == 200
        assert generator.asked[1].context == (Segment("1", "Hello?", SECOND), Segment("0", "Yes.", SECOND * 2))
        assert speak(client, context=[{**reference, "speaker": "0", "text": "Again."}])[0] == 200
        assert generator.asked[2].context == (Segment("0", "Again.", SECOND),)
        speak(client, session="call-1")
        assert generator.asked[3].context[0] == Segment("1", "Hello?", SECOND)


def test_a_sound_may_be_referred_to_in_the_request_that_sends_it():
    generator = Stepped(frames=1)
    generator.go()
    sent, reference = hashed("1", "Hello?", SECOND)
    with serving(generator) as client:
        assert speak(client, context=[reference, sent])[0] == 200
        assert generator.asked[0].context == (Segment("1", "Hello?", SECOND),) * 2


def test_unknown_sound_is_asked_for_and_what_came_along_is_kept():
    generator = Stepped(frames=1)
    generator.go()
    old, old_reference = hashed("1", "old", SECOND)
    new, new_reference = hashed("0", "new", SECOND * 2)
    with serving(generator) as client:
        assert refused(client, said("0", "plain", 1), old_reference, new) == (409, "unknown_audio", "context.1.sha256")
        assert generator.asked == []
        assert speak(client, context=[old, new_reference])[0] == 200
        assert generator.asked[0].context == (Segment("1", "old", SECOND), Segment("0", "new", SECOND * 2))


def test_sound_without_a_hash_is_not_kept():
    generator = Stepped(frames=1)
    generator.go()
    _, reference = hashed("1", "Hello?", SECOND)
    with serving(generator) as client:
        assert speak(client, context=[said("1", "Hello?", 1)])[0] == 200
        assert refused(client, reference) == (409, "unknown_audio", "context.0.sha256")


def test_a_request_with_a_wrong_field_keeps_nothing():
    generator = Stepped(frames=1)
    generator.go()
    sent, reference = hashed("1", "Hello?", SECOND)
    other, _ = hashed("1", "Hello?", SECOND * 2)
    with serving(generator) as client:
        assert refused(client, sent, {**other, "sha256": sent["sha256"]}) == (422, "invalid_value", "context.1.sha256")
        assert refused(client, sent, {"speaker": "0", "text": "x"}) == (422, "invalid_value", "context.1.audio")
        assert refused(client, reference) == (409, "unknown_audio", "context.0.sha256")


def test_new_sound_does_not_push_out_what_the_same_request_refers_to():
    generator = Stepped(frames=1)
    generator.go()
    one, one_reference = hashed("1", "one", SECOND)
    two, two_reference = hashed("0", "two", SECOND * 2)
    with serving(generator, Settings(kept_audio_bytes=len(SECOND) * 2 + FRAME_BYTES)) as client:  # a frame is said
        assert speak(client, context=[one])[0] == 200
        assert speak(client, context=[two, one_reference])[0] == 200
        assert refused(client, two_reference, one_reference) == (409, "unknown_audio", "context.1.sha256")
        assert speak(client, context=[two_reference, one])[0] == 200


@pytest.mark.parametrize("fields", [{}, {"stream": False}, {"stream_format": "sse"}, {"response_format": "wav"}])
def test_what_was_said_whole_may_be_referred_to_in_the_next_request(fields):
    generator = Stepped(frames=20)
    generator.go()
    with serving(generator) as client:
        whole = pcm(speak(client, **fields)[1])
        assert len(whole) == 20 * FRAME_BYTES
        assert speak(client, context=[hashed("0", "Sure, one moment.", whole)[1]])[0] == 200
        assert generator.asked[1].context == (Segment("0", "Sure, one moment.", whole),)


def test_speech_that_was_broken_off_has_no_hash():
    generator = Stepped(frames=40)
    with serving(generator) as client:
        generator.go(2)
        with client.open({"input": "I was going to say something."}) as connection, connection.makefile("rb") as answer:
            read_head(answer)
            heard = read_chunk(answer)
        until(lambda: generator.stopped == 1 and client.jobs.taken == 0)
        generator.go()
        assert refused(client, hashed("0", "I was", heard)[1]) == (409, "unknown_audio", "context.0.sha256")
        assert len(client.sounds) == 0


def test_speech_that_failed_has_no_hash():
    generator = Stepped(frames=20)
    generator.error_at = 5
    generator.go()
    with serving(generator) as client:
        for fields in ({"stream_format": "sse"}, {"stream": False}):
            client.speech({"input": "Sure, one moment.", **fields}).read()
        assert generator.stopped == 2 and len(client.sounds) == 0


def test_speech_without_a_sound_is_kept_nowhere():
    generator = Stepped(frames=0)
    with serving(generator) as client:
        assert speak(client, session="call-1") == (200, b"")
        assert refused(client, hashed("0", "Sure, one moment.", b"")[1]) == (409, "unknown_audio", "context.0.sha256")
        speak(client, session="call-1")
        assert generator.asked[-1].context == ()


def test_kept_sound_goes_in_time_even_when_no_further_request_comes():
    generator = Stepped(frames=1)
    generator.go()
    sent, _ = hashed("1", "Hello?", SECOND)
    with serving(generator) as client:
        client.sounds.ttl_seconds = 0.1
        assert speak(client)[0] == 200
        assert len(client.sounds) == 1  # what was said
        until(lambda: len(client.sounds) == 0)
        assert refused(client, sent, hashed("0", "unknown", SECOND * 2)[1])[0] == 409
        assert len(client.sounds) == 1  # what was sent
        until(lambda: len(client.sounds) == 0)


def test_answers_say_that_hashes_are_taken():
    with serving(StandIn()) as client:
        assert client.request("GET", "/v1/audio/voices").headers["x-context-hashes"] == "1"
        for fields in ({}, {"stream": False}, {"response_format": "wav"}, {"stream_format": "sse"}):
            answer = client.speech({"input": "Hi.", **fields})
            assert answer.status == 200 and answer.headers["x-context-hashes"] == "1"


def test_the_sounds_used_last_are_kept_up_to_a_limit_of_bytes():
    sounds = Sounds(limit_bytes=len(SECOND) * 3)
    sounds.add("a", SECOND)
    sounds.add("b", SECOND)
    sounds.add("c", SECOND)
    sounds.add("c", SECOND)
    assert len(sounds) == 3
    assert sounds.get("a") == SECOND
    sounds.add("d", SECOND * 2)
    assert [sounds.get(name) is not None for name in "abcd"] == [True, False, False, True]
    sounds.add("too large", SECOND * 4)
    assert sounds.get("too large") is None and len(sounds) == 2


def test_tiny_sounds_do_not_become_too_many():
    sounds = Sounds(limit_bytes=SMALLEST * 2)
    for name in "abc":
        sounds.add(name, b"\0\0")
    assert len(sounds) == 2 and sounds.get("a") is None


def test_sounds_are_kept_until_they_were_not_used_for_a_time():
    now = [0.0]
    sounds = Sounds(limit_bytes=1 << 20, clock=lambda: now[0])
    sounds.add("a", SECOND)
    sounds.add("b", SECOND)
    now[0] = 600
    assert sounds.get("a") == SECOND
    now[0] = 601
    assert sounds.get("b") is None and len(sounds) == 1
    now[0] = 1201
    sounds.expire()
    assert len(sounds) == 0


def test_the_length_is_capped_by_text_by_request_and_by_server():
    assert max_frames("x" * 50, None, 20_000) == 100  # 50 × 0.12 s + 2 s
    assert max_frames("x" * 50, 1000, 20_000) == 13
    assert max_frames("x" * 1000, None, 20_000) == 250
    assert max_frames("x", 80, 20_000) == 1
    generator = Stepped(frames=10_000)
    generator.go(10_000)
    with serving(generator) as client:
        assert len(speak(client)[1]) == 51 * FRAME_BYTES  # 17 characters: 4.04 s
        assert len(speak(client, max_audio_ms=800)[1]) == 10 * FRAME_BYTES


def test_newest_keeps_none_of_none():
    assert newest([], 1000) == ()


@pytest.mark.parametrize(
    "body, status, param",
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"\xff\xfe", 400, None),
        (b"[" * 100_000, 400, None),
        ({}, 422, "input"),
        ({"input": "Hi.", "context": 1}, 422, "context"),
        ({"input": "  "}, 422, "input"),
        ({"input": "x" * 1001}, 413, "input"),
        ({"input": "Hi.", "voice": "alloy"}, 422, "voice"),
        ({"input": "Hi.", "speed": 2}, 422, "speed"),
        ({"input": "Hi.", "response_format": "mp3"}, 422, "response_format"),
        ({"input": "Hi.", "stream_format": "sse", "response_format": "wav"}, 422, "stream_format"),
        ({"input": "Hi.", "stream_format": "sse", "stream": False}, 422, "stream_format"),
        ({"input": "Hi.", "max_audio_ms": 0}, 422, "max_audio_ms"),
        ({"input": "Hi.", "session": ""}, 422, "session"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x"}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "***"}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": ""}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "AAAA"}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": None, "sha256": None}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "", "sha256": "0" * 64}]}, 422, "context.0.audio"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "AAA=", "sha256": "0" * 64}]}, 422, "context.0.sha256"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "sha256": "0" * 63}]}, 422, "context.0.sha256"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "sha256": "A" * 64}]}, 422, "context.0.sha256"),
        ({"input": "Hi.", "context": [{"speaker": "me", "text": "x", "sha256": "0" * 64}]}, 422, "context.0.speaker"),
        ({"input": "Hi.", "context": [{"speaker": "me", "text": "x", "audio": "AAA="}]}, 422, "context.0.speaker"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "AAA=", "sample_rate": 16000}]}, 422, "context.0.sample_rate"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "AAA=", "sample_rate": "8000"}]}, 422, "context.0.sample_rate"),
        ({"input": "Hi.", "context": [{"speaker": "0", "text": "x", "audio": "AAA=", "sample_rate": None}]}, 422, "context.0.sample_rate"),
        ({"input": "Hi.", "user": "x" * 70_000}, 413, None),
    ],
)
def test_bad_input_is_refused_in_the_form_of_openai(body, status, param):
    generator = Stepped(frames=1)
    generator.go()
    with serving(generator, Settings(max_body_bytes=1 << 16 if status == 413 else 1 << 24)) as client:
        answer = client.speech(body)
        error = json.load(answer)["error"]
        assert answer.status == status
        assert answer.headers["content-type"] == "application/json"
        assert error["param"] == param
        assert error["type"] == "invalid_request_error" and error["code"] and error["message"].endswith(".")
        assert generator.asked == []
        assert speak(client)[0] == 200


def test_unknown_fields_and_an_unknown_model_are_passed_over():
    with serving(StandIn()) as client:
        assert speak(client, model="tts-1", instructions="Be kind.", foo=1)[0] == 200


def test_the_key_is_asked_for_where_one_is_set():
    with serving(StandIn(), Settings(api_key="s3cret")) as client:
        body = {"input": "Hi."}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}, {"Authorization": "Bearer"}):
            answer = client.speech(body, headers)
            assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
            assert json.load(answer)["error"]["code"] == "invalid_api_key"
        assert client.speech(body, {"Authorization": "Bearer s3cret"}).status == 200
        assert client.request("GET", "/v1/models").status == 401
        assert client.request("GET", "/health").status == 200
        assert client.request("GET", "/ready").status == 200


def test_models_voices_and_what_is_not_there():
    with serving(StandIn()) as client:
        assert json.load(client.request("GET", "/v1/models"))["data"][0]["id"] == "stand-in"
        assert json.load(client.request("GET", "/v1/audio/voices")) == {"voices": ["0", "1"]}
        assert json.load(client.request("GET", "/nothing"))["error"]["code"] == "not_found"
        answer = client.request("GET", "/v1/audio/speech")
        assert answer.status == 405 and json.load(answer)["error"]["code"] == "method_not_allowed"


def test_alive_but_not_ready_while_the_weights_load():
    loaded = threading.Event()
    with serving(StandIn(load=lambda: loaded.wait(20)), ready=False) as client:
        assert client.request("GET", "/health").status == 200
        answer = client.request("GET", "/ready")
        assert answer.status == 503 and answer.headers["retry-after"] == "5"
        answer = client.speech({"input": "Hi."})
        assert answer.status == 503 and answer.headers["retry-after"] == "5"
        assert json.load(answer)["error"]["code"] == "loading"
        loaded.set()
        until(lambda: client.request("GET", "/ready").status == 200)
        assert client.speech({"input": "Hi."}).status == 200


def test_weights_that_do_not_load_are_not_healthy():
    def fail():
        raise OSError("no weights")

    with serving(StandIn(load=fail), ready=False) as client:
        until(lambda: client.jobs.state == "failed")
        assert client.request("GET", "/health").status == 503
        assert client.request("GET", "/ready").status == 503


def test_settings_say_which_variable_is_wrong():
    assert from_environment({}) == Settings()
    assert from_environment({"KEPT_AUDIO_BYTES": "1000"}) == Settings(kept_audio_bytes=1000)
    assert from_environment({"QUEUE_LIMIT": "3", "API_KEY": " k "}) == Settings(queue_limit=3, api_key="k")
    with pytest.raises(ValueError, match="CONTEXT_MS must be a whole number above 0, not 'much'"):
        from_environment({"CONTEXT_MS": "much"})
