"""Makes ``agent/speech/local/telephone.npz``: pocketsphinx's acoustic model estimated again for the telephone's band.

Stereo data (single-pass retraining): sentences of the domain text are spoken by many synthetic voices. The wide
sound is aligned with the model as it comes; the same sentence as noisy G.711 at 8 kHz gives the features, and each
frame counts for the Gaussians that the wide frame (later: the narrow one) belongs to. Gaussians that were seen little
stay near the linear map of the original.

    .venv/bin/python scripts/adapt_acoustics.py SENTENCES [FILE]

The voices of ``benchmarks/speech_local.py`` are not among those used here.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import soxr
from numpy.typing import NDArray

from agent.audio import mulaw
from agent.speech.local import acoustics
from agent.speech.local.espeak_worker import Espeak
from agent.speech.local.pronounce import Dictionary
from agent.speech.local.said import sentences

VOICES = tuple(
    f"en-us{variant}"
    for variant in ("", "+m1", "+m2", "+m5", "+m8", "+f1", "+f3", "+f4", "+Annie", "+Michael", "+steph", "+Lee",
                    "+linda", "+john", "+Mike", "+victor")
)  # fmt: skip
WIDE = 16_000
PRIOR = 8.0
"""How many frames the map of the original weighs."""
PASSES = 2
Floats = NDArray[np.float64]
Segment = tuple[str, int, int]
"""Phone, first frame, frames."""
Utterance = tuple[list[Segment], Floats, Floats]
"""Phones, wide and narrow features."""


class Recorder:
    """The voices, each sentence both wide and as it comes over the telephone."""

    def __init__(self, seed: int):
        self._espeak = Espeak()
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def wide(self, text: str) -> Floats:
        draw = self._random.choice
        ways = {
            "rate": draw((135, 150, 165, 180, 195)),
            "pitch": draw((30, 40, 50, 60, 70)),
            "range": draw((30, 50, 70)),
        }
        raw = self._espeak.raw({"text": text, "voice": draw(VOICES), "volume": 100} | ways)
        pcm = soxr.resample(raw.astype(np.float64), self._espeak.rate, WIDE)
        pcm *= draw((1500, 2500, 4000)) / np.sqrt(np.mean(pcm**2))
        return np.concatenate((np.zeros(1600), pcm[: len(pcm) // 320 * 320], np.zeros(3200)))

    def narrow(self, wide: Floats) -> bytes:
        pcm = soxr.resample(wide, WIDE, 8_000)
        pcm += self._noise.normal(0, self._random.choice((10, 30, 60, 120)), len(pcm))
        return mulaw.decode(mulaw.encode(_int16(pcm))).tobytes()


def _int16(pcm: Floats) -> NDArray[np.int16]:
    return np.clip(pcm, -32_000, 32_000).astype(np.int16)


class FrontEnd:
    """pocketsphinx's own features, by the files it logs them to."""

    def __init__(self, folder: Path, words: Path, rate: int):
        self._logs = Path(tempfile.mkdtemp())
        wide_beams = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "pl_window": 0}
        self.decoder = pocketsphinx.Decoder(
            hmm=str(folder), dict=str(words), lm=None, samprate=rate, mfclogdir=str(self._logs), loglevel="FATAL",
            **wide_beams,
        )  # fmt: skip

    def take(self, samples: bytes, search: bool) -> None:
        self.decoder.start_utt()
        self.decoder.process_raw(samples, not search, True)
        self.decoder.end_utt()

    def cepstra(self) -> Floats:
        """Of the last utterance."""
        logs = sorted(self._logs.iterdir())
        data = logs[-1].read_bytes()
        for log in logs:
            log.unlink()
        return np.frombuffer(data[4:], dtype=">f4").reshape(-1, 13).astype(np.float64)

    def aligned(self, text: str, samples: bytes) -> list[Segment]:
        """The phones of ``text``; empty where it cannot be aligned."""
        try:
            self.decoder.set_align_text(text)
            self.take(samples, search=True)
            self.decoder.set_alignment()
            self.take(samples, search=True)
            found = self.decoder.get_alignment()
        except RuntimeError:
            return []
        return [(p.name, p.start, p.duration) for p in found.phones()] if found else []


def dynamic(cepstra: Floats) -> Floats:
    """Cepstra less their mean, with first and second differences as Sphinx takes them: frames × 3 × 13."""
    n = len(cepstra)
    p = np.pad(cepstra - cepstra.mean(0), ((3, 3), (0, 0)), mode="edge")
    first = p[5 : 5 + n] - p[1 : 1 + n]
    second = (p[6 : 6 + n] - p[2 : 2 + n]) - (p[4 : 4 + n] - p[:n])
    return np.stack((p[3 : 3 + n], first, second), 1)


def utterances(count: int, folder: Path) -> Iterator[tuple[list[Segment], Floats, Floats]]:
    """Phones, wide and narrow cepstra of ``count`` sentences, less those that cannot be aligned."""
    texts = sorted({s for part in sentences().values() for s in part if 2 <= len(s.split()) <= 9})
    random.Random(11).shuffle(texts)
    words = _dictionary(texts, folder / "words.dict")
    wide = FrontEnd(_plain_model(folder / "wide", acoustics.FEATURES + "-upperf 6800\n"), words, WIDE)
    narrow = FrontEnd(_plain_model(folder / "narrow", acoustics.NARROW), words, 8_000)
    narrow.decoder.add_keyphrase("any", "appointment")
    narrow.decoder.activate_search("any")
    recorder = Recorder(seed=11)
    for text in texts[:count]:
        sound = recorder.wide(text)
        segments = wide.aligned(text, _int16(sound).tobytes())
        if segments:
            seen = wide.cepstra()
            narrow.take(recorder.narrow(sound), search=False)
            heard = narrow.cepstra()
            if len(seen) == len(heard) and np.isfinite(seen).all() and np.isfinite(heard).all():
                yield segments, seen, heard


def _dictionary(texts: list[str], path: Path) -> Path:
    known = Dictionary(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
    with path.open("w", encoding="utf-8") as file:
        for word in sorted({w for t in texts for w in t.split()}):
            for number, sounds in enumerate(known.ways(word), 1):
                file.write(f"{word}{f'({number})' if number > 1 else ''} {sounds}\n")
    return path


def _plain_model(folder: Path, features: str) -> Path:
    """The wheel's model with other features."""
    folder.mkdir()
    for file in acoustics.wheel_folder().iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "feat.params").write_text(f"{features}-cmn batch\n", encoding="ascii")
    return folder


def phones() -> dict[str, int]:
    """The codebook of each phone: the names stand in order in the binary model definition."""
    data = (acoustics.wheel_folder() / "mdef").read_bytes()
    names = re.split(rb"\0+", data[data.index(b"+NSN+") :])[:42]
    return {name.decode(): number for number, name in enumerate(names)}


def _shares(frames: Floats, means: Floats, variances: Floats) -> Floats:
    """How much each frame belongs to each Gaussian of a codebook."""
    likely = -0.5 * (((frames[:, None] - means) ** 2 / variances).sum(2) + np.log(variances).sum(1))
    shares = np.exp(likely - likely.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def adapt(data: list[Utterance]) -> tuple[Floats, Floats]:
    """Means and variances for the narrow features; ``data`` holds dynamic features."""
    folder = acoustics.wheel_folder()
    means = acoustics.read_gaussians(folder / "means").astype(np.float64)
    variances = np.maximum(acoustics.read_gaussians(folder / "variances").astype(np.float64), 1e-4)
    prior_means, prior_variances = _mapped(data, means, variances)
    sure, now = (means, variances), (prior_means, prior_variances)
    for number in range(PASSES):
        now = _pass(data, sure if number == 0 else now, number == 0, (prior_means, prior_variances))
    return now


def _mapped(data: list[Utterance], means: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """The original's Gaussians under the linear map of wide features to narrow ones."""
    wide, narrow = (np.concatenate([u[i] for u in data]) for i in (1, 2))
    mapped, scaled = np.empty_like(means), np.empty_like(variances)
    for stream in range(3):
        x = np.c_[wide[:, stream], np.ones(len(wide))]
        matrix = np.linalg.lstsq(x, narrow[:, stream], rcond=None)[0]
        mapped[:, stream] = means[:, stream] @ matrix[:-1] + matrix[-1]
        scaled[:, stream] = variances[:, stream] * (narrow[:, stream].var(0) / wide[:, stream].var(0))
    return mapped, scaled


def _pass(
    data: list[Utterance], by: tuple[Floats, Floats], by_wide: bool, prior: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    numbers = phones()
    weight, first, second = np.zeros(by[0].shape[:3]), np.zeros(by[0].shape), np.zeros(by[0].shape)
    for segments, wide, narrow in data:
        for phone, start, length in segments:
            book = numbers.get(phone)
            if book is None:
                continue
            for stream in range(3):
                x = narrow[start : start + length, stream]
                seen = wide[start : start + length, stream] if by_wide else x
                shares = _shares(seen, by[0][book, stream], by[1][book, stream])
                weight[book, stream] += shares.sum(0)
                first[book, stream] += shares.T @ x
                second[book, stream] += shares.T @ (x * x)
    total = (PRIOR + weight)[..., None]
    means = (PRIOR * prior[0] + first) / total
    spread = (PRIOR * (prior[1] + prior[0] ** 2) + second) / total - means**2
    return means, np.maximum(spread, prior[1] * 0.2)


def main() -> None:
    """Write the file and say how much sound it was made of."""
    pocketsphinx.set_loglevel("FATAL")
    with tempfile.TemporaryDirectory() as folder:
        raw = list(utterances(int(sys.argv[1]), Path(folder)))
    means, variances = adapt([(s, dynamic(w), dynamic(n)) for s, w, n in raw])
    packed: dict[str, Any] = {
        "means": means.astype(np.float16),
        "log_variances": np.log(variances).astype(np.float16),
        "cepstra": np.mean([n.mean(0) for _, _, n in raw], 0).astype(np.float32),
    }
    np.savez_compressed(sys.argv[2] if len(sys.argv) > 2 else acoustics.ADAPTED, **packed)
    print(f"{len(raw)} sentences, {sum(len(w) for _, w, _ in raw) / 100:.0f} s of sound")


if __name__ == "__main__":
    main()
