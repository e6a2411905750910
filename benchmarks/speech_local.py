"""``python -m benchmarks.speech_local``: what the local recogniser makes of synthetic callers on a telephone line.

Six voices that neither the agent nor the adaptation of the acoustic model uses say the sentences of
``speech_sentences.txt``, each by ``VOICES`` (2) of them, over G.711 with noise. Prints by kind of sentence: word error
rate, and the share whose meaning survived: all that the readers of :mod:`fhirserver.world.spoken` and
:mod:`agent.hearing` read out of what was heard equals what they read out of what was said. Then processor time of the
workers per second of sound, and how long ``finish`` took. Exit code 1 where less than 0.9 of all meanings survived.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm, framed
from agent.hearing import hear
from agent.hints import Hints
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice
from agent.speech.local.sphinx import SphinxRecogniser
from fhirserver.world.spoken.addresses import address
from fhirserver.world.spoken.dates import birth_dates
from fhirserver.world.spoken.days import day_wishes
from fhirserver.world.spoken.identifiers import digit_strings, identifiers
from fhirserver.world.spoken.names import mentions, says_family, says_given
from fhirserver.world.spoken.payers import payer_in
from fhirserver.world.spoken.times import time_wishes
from fhirserver.world.spoken.words import plain

CALLERS = (
    EspeakVoice("en-us+m3", 165, 45),
    EspeakVoice("en-us+f2", 165, 60),
    EspeakVoice("en-us+Andy", 150, 45),
    EspeakVoice("en-us+f5", 180, 55),
    EspeakVoice("en-us+m7", 145, 35),
    EspeakVoice("en-us+m6", 170, 50),
)
TODAY = date(2026, 12, 1)
NOISE = 60.0
LOUDNESS = 3_000.0
ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class Sentence:
    kind: str
    hints: Hints
    text: str


def sentences() -> list[Sentence]:
    """The sentences of the file."""
    lines = Path(__file__).with_name("speech_sentences.txt").read_text(encoding="utf-8").splitlines()
    out = []
    for line in lines:
        if line and not line.startswith("#"):
            kind, expects, phrases, text = (part.strip() for part in line.split("|"))
            out.append(Sentence(kind, Hints(tuple(p for p in phrases.split(";") if p), expects), text))
    return out


def meaning(sentence: Sentence, text: str) -> Any:
    """What the agent's readers find in ``text``, as far as it matters where ``sentence`` is said."""
    heard = hear(1, text)
    if sentence.kind == "yes_no":
        return heard.answer
    if sentence.kind == "identity":
        names = [p.split() for p in sentence.hints.phrases]
        said = [(says_given(text, n[:1]), says_family(text, n[-1])) for n in names]
        return said, [f.value for f in birth_dates(text, TODAY)]
    if sentence.kind in ("date", "slot"):
        order = [
            w for w in ("first", "second", "third", "last", "earliest", "later", "none") if mentions(text, w)
        ]
        return [f.value for f in day_wishes(text, TODAY)], [f.value for f in time_wishes(text)], order
    if sentence.kind == "insurance":
        return payer_in(text), [f.value for f in identifiers(text)], heard.no, _digits(text)
    if sentence.kind == "phone":
        return _digits(text)
    if sentence.kind == "address":
        return address(text), _digits(text)
    return _open(text)


def _digits(text: str) -> list[str]:
    return [f.value for f in digit_strings(text)]


def _open(text: str) -> Any:
    """Wishes and warnings; for a reason, the words."""
    heard = hear(1, text)
    flags = (
        heard.emergency,
        heard.self_harm,
        heard.person,
        heard.wrong_number,
        heard.frustrated,
        heard.beyond,
    )
    days = [f.value for f in day_wishes(text, TODAY)]
    found = (heard.wishes, flags, heard.third_party, days)
    return found if any((heard.wishes, *flags, heard.third_party)) else (found, plain(text))


def on_the_line(pcm: Pcm, seed: int) -> Pcm:
    """With silence around it, levelled, noisy, as G.711."""
    loud = pcm.astype(np.float64) * (LOUDNESS / np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))
    whole = np.concatenate((np.zeros(RATE // 5), loud, np.zeros(RATE * 2 // 5)))
    whole += np.random.default_rng(seed).normal(0, NOISE, len(whole))
    return mulaw.decode(mulaw.encode(np.clip(whole, -32_000, 32_000).astype(np.int16)))


def errors(said: list[str], heard: list[str]) -> int:
    """Words to change, add or leave out."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


@dataclass(slots=True)
class Tally:
    sentences: int = 0
    words: int = 0
    errors: int = 0
    meant: int = 0

    def add(self, said: list[str], heard: list[str], meant: bool) -> None:
        self.sentences += 1
        self.words += len(said)
        self.errors += errors(said, heard)
        self.meant += meant

    def __str__(self) -> str:
        return f"WER {self.errors / self.words:.3f}   meaning {self.meant / self.sentences:.2f}   of {self.sentences}"


def processor_time(pids: list[int]) -> float:
    """Seconds of processor time that the processes have used (Linux)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def measure() -> bool:
    """Run all and print; whether enough meanings survived."""
    recogniser = SphinxRecogniser(finish_within=30)
    callers = [EspeakSynthesiser(voice) for voice in CALLERS]
    await recogniser.start()
    tallies: dict[str, Tally] = defaultdict(Tally)
    waits, sound = [], 0.0
    before = processor_time(recogniser.pids)
    voices = int(os.environ.get("VOICES", "2"))
    for number, sentence in enumerate(sentences()):
        for turn in range(voices):
            caller = callers[(number + turn * len(CALLERS) // voices) % len(CALLERS)]
            pcm = on_the_line((await caller.timed(sentence.text)).pcm, number)
            recognition = await recogniser.open(sentence.hints)
            for frame in framed(pcm):
                recognition.feed(frame)
            began = time.perf_counter()
            heard = await recognition.finish()
            waits.append(time.perf_counter() - began)
            sound += len(pcm) / RATE
            meant = meaning(sentence, heard.text) == meaning(sentence, sentence.text)
            for key in (sentence.kind, "all"):
                tallies[key].add(plain(sentence.text).split(), plain(heard.text).split(), meant)
            if not meant or os.environ.get("SHOW"):
                print(
                    f"  {'ok ' if meant else 'bad'} {sentence.text!r} -> {heard.text!r} ({heard.confidence:.2f})"
                )
    spent = processor_time(recogniser.pids) - before
    for kind, tally in tallies.items():
        print(f"{kind:10} {tally}")
    print(f"processor time {spent / sound:.3f} of the sound's length, language models included")
    print(f"all sound at once to the final words: {sorted(waits)[len(waits) // 2]:.2f} s (median)")
    await asyncio.gather(recogniser.close(), *(c.close() for c in callers))
    return tallies["all"].meant >= ENOUGH * tallies["all"].sentences


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(measure()) else 1)
