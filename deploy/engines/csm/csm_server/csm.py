"""Sesame CSM-1B by `transformers`: the backbone gives a frame of 32 Mimi codes every 80 ms of speech, and these are
decoded as they come.

- One request at a time, always on one thread: the graphs that `torch.compile` captures belong to the thread that made them.
- `generate` pushes each frame's codes into a streamer. Raising there is the only way to stop it between two frames:
  it drops every stopping criterion but the length.
- Mimi is causal, and `transformers` keeps the state of its transformer but not of its convolutions. So a chunk is made by decoding
  all codes so far and taking what is new: the same samples as decoding them at once. 20 s of speech are 250 frames.
- The model hears 24 kHz only: context at 8 kHz is brought there first.
"""

import logging
from typing import Any, List, Sequence

import numpy as np
import torch
from transformers import AutoProcessor, CsmForConditionalGeneration

from .resample import upsample
from .speech import FRAME_SAMPLES, SAMPLE_RATE, Segment, Sink, Speech, chunk_frames

log = logging.getLogger("csm")

POSITIONS = 1024
"""Text, context and speech together. The model has 2048; a static cache costs time for all of its positions."""


class _Enough(Exception):
    """The speech has ended, or is as long as it may be."""


class _Frames:
    """Takes the codes of each frame from `generate` and writes sound to the sink. A `transformers` streamer."""

    def __init__(self, model: Any, speech: Speech, sink: Sink) -> None:
        self._model = model
        self._max_frames = speech.max_frames
        self._sink = sink
        self._codes: List[torch.Tensor] = []
        self._written = 0
        self._sizes = chunk_frames()
        self._due = next(self._sizes)
        self._prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        self._sink.check()
        if not self._prompt_seen:
            # The first thing that `generate` puts is the prompt.
            self._prompt_seen = True
            return
        codes = value.reshape(-1)
        if bool((codes[:-1] == self._model.config.codebook_eos_token_id).all()):
            raise _Enough()
        self._codes.append(codes)
        if len(self._codes) == self._written + self._due:
            self._write()
            self._due = next(self._sizes)
        if len(self._codes) >= self._max_frames:
            raise _Enough()

    def end(self) -> None:
        pass

    def flush(self) -> None:
        if len(self._codes) > self._written:
            self._write()

    def _write(self) -> None:
        codec = self._model.codec_model
        # The model can name codes that the codec lacks (its padding is one); on a GPU such an index ends the process.
        codes = torch.stack(self._codes, dim=1).clamp(max=codec.config.codebook_size - 1)
        audio = codec.decode(codes.unsqueeze(0).to(self._model.device)).audio_values[0, 0]
        new = audio[self._written * FRAME_SAMPLES : len(self._codes) * FRAME_SAMPLES]
        self._written = len(self._codes)
        samples = (new.float().clamp(-1, 1) * 32767).round().to(torch.int16)
        self._sink.write(samples.cpu().numpy().astype("<i2").tobytes())


class Csm:
    """The model behind the server."""

    concurrency = 1
    voices: Sequence[str] = tuple(str(speaker) for speaker in range(10))

    def __init__(self, model: str, device: str, compiled: bool) -> None:
        self.model = model
        self._device = device
        self._compiled = compiled

    def load(self) -> None:
        self._processor = AutoProcessor.from_pretrained(self.model)
        self._model = CsmForConditionalGeneration.from_pretrained(
            self.model, dtype=torch.bfloat16 if self._device.startswith("cuda") else torch.float32
        ).to(self._device)
        self._prepare()

    def _prepare(self) -> None:
        model = self._model.eval()
        # As in Sesame's own code: the codec is small, and its sound suffers from bfloat16.
        model.codec_model.to(torch.float32)
        # A length that never changes, so that nothing is compiled twice.
        model.generation_config.max_new_tokens = None
        model.generation_config.max_length = POSITIONS
        if self._compiled:
            # `generate` compiles by itself on CUDA when its cache is static.
            model.generation_config.cache_implementation = "static"
            model.depth_decoder.generation_config.cache_implementation = "static"
        log.info("warming up; the first run compiles, which takes minutes")
        for _ in range(2):
            self.generate(Speech("This is the first sentence.", "0", (), 12), _Nowhere())

    @torch.no_grad()
    def generate(self, speech: Speech, sink: Sink) -> None:
        frames = _Frames(self._model, speech, sink)
        try:
            self._model.generate(
                **self._inputs(speech), streamer=frames, do_sample=True, depth_decoder_do_sample=True, temperature=0.9
            )
        except _Enough:
            pass
        frames.flush()

    def _inputs(self, speech: Speech) -> Any:
        """The prompt. Context goes, oldest first, until the speech has room behind it."""
        context = list(speech.context)
        while True:
            said = {"role": speech.voice, "content": [{"type": "text", "text": speech.text}]}
            inputs = self._processor.apply_chat_template(
                [*map(_turn, context), said], tokenize=True, return_dict=True
            )
            if not context or inputs["input_ids"].shape[1] + speech.max_frames < POSITIONS:
                return inputs.to(self._model.device)
            context.pop(0)


def _turn(segment: Segment) -> Any:
    samples = np.frombuffer(segment.audio, dtype="<i2").astype(np.float32) / 32768
    if segment.sample_rate != SAMPLE_RATE:
        # 8 kHz: the server takes no third rate.
        samples = upsample(samples)
    return {
        "role": segment.speaker,
        "content": [{"type": "text", "text": segment.text}, {"type": "audio", "audio": samples}],
    }


class _Nowhere(Sink):
    def write(self, pcm: bytes) -> None:
        pass


