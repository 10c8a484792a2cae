"""The model's code with the real `transformers` and `torch`, on a tiny model of random weights: no GPU and no download.

For where the requirements are installed: `python3 -m pytest tests_model`. What it can't show is how the speech sounds.
"""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CsmConfig, CsmForConditionalGeneration, CsmProcessor, EncodecFeatureExtractor, PreTrainedTokenizerFast

from csm_server.csm import Csm, _Frames, _turn
from csm_server.speech import FRAME_BYTES, Cancelled, Segment, Sink, Speech

# The turns of the checkpoint's template: "[0]words" between the text tokens, then the sound and its end.
TEMPLATE = (
    "{% for message in messages %}{{ '<|begin_of_text|>[' + message['role'] + ']' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] + '<|end_of_text|>' }}"
    "{% else %}{{ '<|AUDIO|><|audio_eos|>' }}{% endif %}{% endfor %}{% endfor %}"
)


class Kept(Sink):
    def __init__(self, cancel_after=None):
        super().__init__()
        self.chunks = []
        self._cancel_after = cancel_after

    def write(self, pcm):
        self.chunks.append(pcm)
        if len(self.chunks) == self._cancel_after:
            self.cancel()


@pytest.fixture(scope="module")
def csm():
    torch.manual_seed(1)
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>", "[UNK]"]
    letters = [chr(code) for code in range(32, 127)]
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=special[0], eos_token=special[1], pad_token=special[1], unk_token="[UNK]",
        additional_special_tokens=special[2:4],
    )
    small = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2)
    config = CsmConfig(
        **small,
        text_vocab_size=len(vocabulary),
        bos_token_id=0, pad_token_id=1, audio_token_id=2, audio_eos_token_id=3,
        depth_decoder_config=dict(**small, backbone_hidden_size=32),
        codec_config=dict(
            model_type="mimi", hidden_size=32, num_filters=4, num_hidden_layers=2, intermediate_size=32, num_attention_heads=2,
            num_key_value_heads=2, codebook_dim=16, vector_quantization_hidden_dimension=16, upsample_groups=32,
        ),
    )
    made = Csm("tiny", "cpu", compiled=False)
    made._processor = CsmProcessor(EncodecFeatureExtractor(feature_size=1, sampling_rate=24000), fast, chat_template=TEMPLATE)
    made._model = CsmForConditionalGeneration(config)
    made._prepare()
    return made


def test_sound_comes_in_chunks_of_whole_frames_up_to_the_cap(csm):
    kept = Kept()
    csm.generate(Speech("Hello.", "0", (), 17), kept)
    assert [len(chunk) // FRAME_BYTES for chunk in kept.chunks] == [2, 4, 8, 3]
    assert len(set(kept.chunks)) == 4


def test_chunks_are_the_samples_that_decoding_at_once_gives(csm):
    codes = torch.randint(1, 2000, (60, 32))
    kept = Kept()
    frames = _Frames(csm._model, Speech("x", "0", (), 100), kept)
    with torch.no_grad():
        frames.put(torch.zeros(1, 5))
        for code in codes:
            frames.put(code.unsqueeze(0))
        frames.flush()
        whole = csm._model.codec_model.decode(codes.T.unsqueeze(0)).audio_values[0, 0]
    chunked = np.frombuffer(b"".join(kept.chunks), dtype="<i2")
    assert len(chunked) == 60 * 1920
    expected = (whole.clamp(-1, 1) * 32767).round().numpy()
    assert np.abs(chunked - expected).max() <= 1
    assert np.abs(expected).max() > 10


def test_a_frame_of_end_codes_ends_the_speech(csm):
    kept = Kept()
    frames = _Frames(csm._model, Speech("x", "0", (), 100), kept)
    frames.put(torch.zeros(1, 5))
    with torch.no_grad():
        for _ in range(3):
            frames.put(torch.ones(1, 32, dtype=torch.long))
        with pytest.raises(Exception, match="^$"):
            frames.put(torch.zeros(1, 32, dtype=torch.long))
        frames.flush()
    assert len(b"".join(kept.chunks)) == 3 * FRAME_BYTES


def test_a_cancelled_sink_stops_the_model(csm):
    kept = Kept(cancel_after=2)
    with pytest.raises(Cancelled):
        csm.generate(Speech("Hello.", "0", (), 100), kept)
    assert len(kept.chunks) == 2


def test_context_becomes_turns_with_their_sound(csm):
    second = np.sin(np.arange(24_000) / 20).astype(np.float32)
    audio = (second * 20_000).astype("<i2").tobytes()
    context = (Segment("1", "Hi", audio), Segment("0", "Yes", audio * 2))
    inputs = csm._inputs(Speech("Ok", "0", context, 10))
    text = csm._processor.tokenizer.decode(inputs["input_ids"][0]).replace(" ", "")
    assert text.replace("<|AUDIO|>", "") == (
        "<|begin_of_text|>[1]Hi<|end_of_text|><|audio_eos|><|begin_of_text|>[0]Yes<|end_of_text|><|audio_eos|>"
        "<|begin_of_text|>[0]Ok<|end_of_text|>"
    )
    assert text.count("<|AUDIO|>") == 13 + 25
    kept = Kept()
    csm.generate(Speech("Ok", "0", context, 4), kept)
    assert len(b"".join(kept.chunks)) == 4 * FRAME_BYTES


def test_context_of_the_telephone_is_as_long_for_the_model_as_it_was(csm):
    second = np.sin(np.arange(8_000) / 5) * 20_000
    segment = Segment("1", "Hi", second.astype("<i2").tobytes(), 8_000)
    samples = _turn(segment)["content"][1]["audio"]
    assert samples.dtype == np.float32 and np.array_equal(samples[::3], second.astype("<i2") / np.float32(32768))
    inputs = csm._inputs(Speech("Ok", "0", (segment,), 10))
    assert csm._processor.tokenizer.decode(inputs["input_ids"][0]).replace(" ", "").count("<|AUDIO|>") == 13
    kept = Kept()
    csm.generate(Speech("Ok", "0", (segment,), 4), kept)
    assert len(b"".join(kept.chunks)) == 4 * FRAME_BYTES


def test_context_goes_oldest_first_where_there_is_no_room(csm):
    audio = b"\x01\x00" * 24_000 * 20
    context = tuple(Segment("1", f"turn{number}", audio) for number in range(4))
    inputs = csm._inputs(Speech("Ok", "0", context, 250))
    text = csm._processor.tokenizer.decode(inputs["input_ids"][0]).replace(" ", "")
    assert "turn1" not in text and "turn2" in text and "turn3" in text


def test_a_code_that_the_codec_lacks_does_no_harm(csm):
    kept = Kept()
    frames = _Frames(csm._model, Speech("x", "0", (), 2), kept)
    frames.put(torch.zeros(1, 5))
    with torch.no_grad():
        frames.put(torch.full((1, 32), csm._model.config.codebook_pad_token_id))
        frames.flush()
    assert len(b"".join(kept.chunks)) == FRAME_BYTES
