"""Recordings of people in moods: ``emotion/<speaker>/<label>/*.wav``, any rate and number of channels.

Each file is levelled and sent through mu-law at 8 kHz as over a telephone, then held against the speaker's own neutral
files (a neutral one against the other neutral ones). Prints the AUC of anger against neutral per speaker, their mean,
and that of all together. Other labels are left out. No limit has to be passed here: what recordings show depends on the
recordings. A speaker needs an angry file and two neutral ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import Pcm
from agent.audio.wav import UnreadableSound, read
from agent.emotion.evaluation import area, scored
from agent.emotion.prosody import Prosody, prosody
from agent.emotion.track import segments
from tests.corpus.suite import Case

ANGRY = frozenset(
    ("anger", "angry", "ang", "hot anger", "cold anger", "hotanger", "rage", "wut", "aerger", "w", "05")
)
NEUTRAL = frozenset(("neutral", "neu", "neutrality", "n", "01"))
_LEVEL = 2_000.0
_LOUD = 0.05
"""What of the loudest counts as sound when levelling: silence around a phrase must not make it louder."""


def run(material: Path) -> Iterator[Case]:
    """One case per file that cannot be read or holds no voice (skipped), and one per speaker."""
    folders = sorted(path for path in material.iterdir() if path.is_dir())
    neutral: list[float] = []
    angry: list[float] = []
    areas: list[float] = []
    for folder in folders:
        turns, unread = measured(folder)
        yield from unread
        if len(turns["neutral"]) < 2 or not turns["anger"]:
            yield (
                folder.name,
                None,
                f"has {len(turns['neutral'])} neutral and {len(turns['anger'])} angry files with voice",
            )
            continue
        ordinary, roused = scored(turns["neutral"], turns["anger"])
        areas.append(area(roused, ordinary))
        print(
            f"emotion {folder.name}: AUC {areas[-1]:.3f} ({len(roused)} angry, {len(ordinary)} neutral)",
            flush=True,
        )
        neutral += ordinary
        angry += roused
        yield folder.name, True, ""
    if areas:
        print(
            f"emotion, anger against neutral per speaker baseline: mean AUC {np.mean(areas):.3f} of {len(areas)}"
            f" speakers, all together {area(angry, neutral):.3f} ({len(angry)} angry, {len(neutral)} neutral)",
            flush=True,
        )


def measured(speaker: Path) -> tuple[dict[str, list[Prosody]], list[Case]]:
    """What the files of one speaker say, by ``anger`` and ``neutral``; and the files that say nothing."""
    found: dict[str, list[Prosody]] = {"anger": [], "neutral": []}
    files = [(mood, file) for mood, file in _labelled(speaker)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda one: _heard(one[1]), files))
    unread: list[Case] = []
    for (mood, file), result in zip(files, results, strict=True):
        if isinstance(result, Prosody):
            found[mood].append(result)
        else:
            unread.append((f"{speaker.name}/{file.parent.name}/{file.name}", None, result))
    return found, unread


def mood_of(label: str) -> str:
    """``anger``, ``neutral``, or empty for other moods."""
    plain = label.strip().lower().replace("_", " ").replace("-", " ").replace("ä", "ae")
    return "anger" if plain in ANGRY else "neutral" if plain in NEUTRAL else ""


def levelled(pcm: Pcm) -> Pcm:
    """The same loudness for every file, by what of it is sound; then over the telephone."""
    sound = pcm.astype(np.float64) - pcm.mean()
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    loud = power[power > _LOUD * np.quantile(power, 0.95)] if len(power) else power
    gain = _LEVEL / max(float(np.sqrt(loud.mean())), 1.0) if len(loud) else 1.0
    return mulaw.decode(mulaw.encode(np.clip(sound * gain, -32_768, 32_767).astype(np.int16)))


def _labelled(speaker: Path) -> Iterator[tuple[str, Path]]:
    for folder in sorted(path for path in speaker.iterdir() if path.is_dir()):
        if mood := mood_of(folder.name):
            for file in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav"):
                yield mood, file


def _heard(file: Path) -> Prosody | str:
    try:
        pcm = read(file)
    except (UnreadableSound, OSError) as error:
        return str(error)
    return prosody(segments(levelled(pcm))) or "no voice was found in it"
