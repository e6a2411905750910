"""The process that listens: pocketsphinx with several decoders, one for each turn under way.

Run as ``python -m agent.speech.local.sphinx_worker WARM MOST``; frames of :mod:`agent.speech.local.pipe` on stdin
and stdout. A turn is OPEN with a JSON object (``phrases``, ``expects``), FEED with samples at 8 kHz as often as wanted,
then FINISH or CANCEL; the answers are PARTIAL texts and FINAL, a JSON object (``words``: text, start, end, confidence).

What comes is taken at once and worked off piece by piece, whoever has stopped speaking first: somebody waits for
those words, while of those who still speak nothing is needed before they stop.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import pocketsphinx
import webrtcvad

from agent.audio.frames import RATE
from agent.hints import Hints
from agent.speech.local import pipe
from agent.speech.local.acoustics import model_folder
from agent.speech.local.gate import VoiceGate
from agent.speech.local.language import cased, fixed_vocabulary, vocabulary, write_model
from agent.speech.local.pronounce import Dictionary

_KEPT_MODELS = 24
_FRAME_SECONDS = 0.01
_PARTIAL_EVERY = RATE // 5
_PIECE = RATE // 10 * 2
"""Bytes of a piece of work: 0.1 s of sound."""
_LEAST_VOICED = 4
"""Frames of 20 ms with a voice in them, under which a turn was noise."""
_OPTIONS = {"fwdflat": False, "bestpath": True, "loglevel": "FATAL", "lw": 9.0, "wip": 0.3, "maxhmmpf": 6000}
_YIELDS = 3
"""How much nicer this process is than the one that carries the sound: a frame must not wait for words."""
_FILLER = ("<", "[", "+")


class _Listener:
    """One decoder with the language models it has loaded, newest last."""

    def __init__(self, folder: Path, words: Path, dictionary: Dictionary, known: set[str]):
        self._decoder = pocketsphinx.Decoder(
            hmm=str(folder), dict=str(words), lm=None, samprate=RATE, **_OPTIONS
        )
        self._dictionary = dictionary
        self._known = set(known)
        self._models: OrderedDict[Hints, str] = OrderedDict()
        self._number = 0

    def prepare(self, hints: Hints, models: _Models) -> None:
        """Have the language model for ``hints`` in place."""
        name = self._models.get(hints)
        if name is None:
            self._learn(vocabulary(hints))
            self._number += 1
            name = f"m{self._number}"
            path = models.path(hints, self._known)
            model = pocketsphinx.NGramModel(self._decoder.config, self._decoder.logmath, str(path))
            self._decoder.add_lm(name, model)
            self._models[hints] = name
            if len(self._models) > _KEPT_MODELS:
                self._decoder.remove_search(self._models.popitem(last=False)[1])
        self._models.move_to_end(hints)
        self._decoder.activate_search(name)

    def _learn(self, words: set[str]) -> None:
        for word in sorted(words - self._known):
            for number, sounds in enumerate(self._dictionary.ways(word), 1):
                self._decoder.add_word(word if number == 1 else f"{word}({number})", sounds, False)
                self._known.add(word)

    def begin(self) -> None:
        self._decoder.start_utt()

    def hear(self, samples: bytes) -> None:
        self._decoder.process_raw(samples, False, False)

    def partial(self) -> list[str]:
        found = self._decoder.hyp()
        return [_bare(w) for w in found.hypstr.split()] if found else []

    def end(self) -> None:
        self._decoder.end_utt()

    def words(self) -> list[tuple[str, float, float, float]]:
        """Text, start, end, confidence of each word, after ``end``."""
        found = self._decoder.hyp()
        if found is None:
            return []
        return [
            (
                _bare(s.word),
                s.start_frame * _FRAME_SECONDS,
                (s.end_frame + 1) * _FRAME_SECONDS,
                _share(s.prob),
            )
            for s in self._decoder.seg()
            if not s.word.startswith(_FILLER)
        ]


def _bare(word: str) -> str:
    return word.partition("(")[0]


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


class _Models:
    """ARPA files by hints, shared by the decoders of the process."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._paths: OrderedDict[Hints, Path] = OrderedDict()
        self._number = 0

    def path(self, hints: Hints, known: set[str]) -> Path:
        if hints not in self._paths:
            self._number += 1
            path = self._folder / f"{self._number}.arpa"
            write_model(hints, known, path)
            self._paths[hints] = path
            if len(self._paths) > _KEPT_MODELS * 4:
                self._paths.popitem(last=False)[1].unlink()
        self._paths.move_to_end(hints)
        return self._paths[hints]


class _Turn:
    """One turn under way: what of its sound waits for a decoder, and what that has found."""

    def __init__(self, hints: Hints):
        self.hints = hints
        self.listener: _Listener | None = None
        self.finishing = False
        self.served = 0
        self._waiting = bytearray()
        self._partial: list[str] = []
        self._since = 0
        vad = webrtcvad.Vad(2)
        self._gate = VoiceGate(lambda frame: vad.is_speech(frame, RATE))

    @property
    def spoken(self) -> bool:
        return self._gate.voiced >= _LEAST_VOICED

    @property
    def has_work(self) -> bool:
        return self.listener is None or bool(self._waiting) or self.finishing or self._owes_partial

    @property
    def _owes_partial(self) -> bool:
        """Whether the voice has paused and the last words were not told."""
        return self._since > 0 and not self._gate.is_open and not self._waiting and self.spoken

    @property
    def urgency(self) -> tuple[bool, bool, int]:
        """What is least goes first: turns that are over, then those in a pause, then whoever waits longest."""
        return (not self.finishing, self._gate.is_open or not self.spoken, self.served)

    def hear(self, samples: bytes) -> None:
        self._waiting += self._gate.let(samples)

    def decode(self) -> list[str] | None:
        """Have a piece of what waits decoded. New words of what was said so far, where there are some to be told."""
        assert self.listener is not None
        piece = bytes(self._waiting[:_PIECE])
        del self._waiting[:_PIECE]
        if piece:
            self.listener.hear(piece)
            self._since += len(piece) // 2
        if self.finishing or not self.spoken or (self._since < _PARTIAL_EVERY and not self._owes_partial):
            return None
        self._since = 0
        words = self.listener.partial()
        if not words or words == self._partial:
            return None
        self._partial = words
        return words

    @property
    def is_decoded(self) -> bool:
        return not self._waiting

    def words(self) -> list[tuple[str, float, float, float]]:
        """Text, start, end (seconds of the turn's sound), confidence of each word, after the listener's ``end``."""
        if not self.spoken or self.listener is None:
            return []
        second = self._gate.second
        return [(text, second(start), second(end), sure) for text, start, end, sure in self.listener.words()]


class Listening:
    """All turns of the process."""

    def __init__(self, outgoing: BinaryIO, folder: Path, warm: int, most: int):
        self._outgoing = outgoing
        self._models = _Models(folder)
        self._dictionary = Dictionary(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
        self._known = fixed_vocabulary()
        self._acoustics = model_folder(folder)
        self._words = folder / "words.dict"
        self._write_words()
        self._most = most
        self._pieces = 0
        self._free = [self._listener() for _ in range(warm)]
        self._turns: dict[int, _Turn] = {}

    def _write_words(self) -> None:
        with self._words.open("w", encoding="utf-8") as file:
            for word in sorted(self._known):
                for number, sounds in enumerate(self._dictionary.ways(word), 1):
                    file.write(f"{word}{f'({number})' if number > 1 else ''} {sounds}\n")

    def _listener(self) -> _Listener:
        listener = _Listener(self._acoustics, self._words, self._dictionary, self._known)
        listener.prepare(Hints(), self._models)
        return listener

    def take(self, kind: int, request: int, payload: bytes) -> None:
        """Take one frame; the work that it makes is done by :meth:`work`."""
        if kind == pipe.OPEN:
            self._open(request, json.loads(payload))
        elif (turn := self._turns.get(request)) is None:
            return
        elif kind == pipe.FEED:
            turn.hear(payload)
        elif kind == pipe.FINISH:
            turn.finishing = True
        else:
            self._let_go(request)

    def _open(self, request: int, wanted: dict[str, Any]) -> None:
        if len(self._turns) >= self._most:
            pipe.write(self._outgoing, pipe.FAILED, request, b"more turns at once than decoders")
            return
        self._turns[request] = _Turn(Hints(tuple(wanted["phrases"]), wanted["expects"]))

    @property
    def has_work(self) -> bool:
        return any(turn.has_work for turn in self._turns.values())

    def work(self) -> None:
        """Do a piece of the most urgent work, if there is any."""
        waiting = [one for one in self._turns.items() if one[1].has_work]
        if not waiting:
            return
        request, turn = min(waiting, key=lambda one: one[1].urgency)
        self._pieces += 1
        turn.served = self._pieces
        if turn.listener is None:
            turn.listener = self._ready_listener(turn.hints)
        elif words := turn.decode():
            text = " ".join(cased(words, turn.hints))
            pipe.write(self._outgoing, pipe.PARTIAL, request, text.encode())
        if turn.finishing and turn.is_decoded:
            self._finish(request, turn)

    def _ready_listener(self, hints: Hints) -> _Listener:
        if not self._free:
            self._free.append(self._listener())
        listener = self._free.pop()
        listener.prepare(hints, self._models)
        listener.begin()
        return listener

    def _finish(self, request: int, turn: _Turn) -> None:
        assert turn.listener is not None
        turn.listener.end()
        final = _final(turn.words(), turn.hints)
        pipe.write(self._outgoing, pipe.FINAL, request, json.dumps(final).encode())
        pipe.write(self._outgoing, pipe.DONE, request)
        self._free.append(turn.listener)
        del self._turns[request]

    def _let_go(self, request: int) -> None:
        turn = self._turns.pop(request)
        if turn.listener is not None:
            turn.listener.end()
            self._free.append(turn.listener)


def _final(words: list[tuple[str, float, float, float]], hints: Hints) -> dict[str, Any]:
    written = " ".join(cased((w[0] for w in words), hints))
    return {"text": written, "words": words}


def run() -> None:
    """Serve until the other side closes the pipe."""
    os.nice(_YIELDS)
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    pocketsphinx.set_loglevel("FATAL")
    with tempfile.TemporaryDirectory(prefix="credence-speech-") as folder:
        listening = Listening(outgoing, Path(folder), int(sys.argv[1]), int(sys.argv[2]))
        pipe.write(outgoing, pipe.READY, 0)
        incoming = pipe.Incoming(sys.stdin.fileno())
        while (frames := incoming.frames(wait=not listening.has_work)) is not None:
            for frame in frames:
                listening.take(*frame)
            listening.work()


if __name__ == "__main__":
    run()
