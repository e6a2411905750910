"""The process that decodes one picture and has tesseract read it: a file on stdin, words as JSON on stdout.

Run as ``python -m agent.cards.worker SECONDS MEGABYTES``. It binds itself, and tesseract below it, to that much
processor time and memory before it looks at the file, and ends with code 3 where the file cannot be decoded.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
from typing import Any, TypeAlias

_UPSIDE_DOWN = 0.55
"""Mean confidence below which the picture may stand on its head."""
_FEW = 8
"""Words below which it may have been read the wrong way round."""
BROKEN = 3
Found: TypeAlias = "tuple[str, int, int, int, int, float]"
"""A word: text, left, top, width, height, confidence."""


def main(arguments: list[str]) -> int:
    seconds, megabytes = int(arguments[0]), int(arguments[1])
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    from agent.cards.preparing import flattened, prepared

    try:
        image = prepared(data)
    except Exception as error:  # whatever a decoder has to say of a stranger's file
        print(type(error).__name__, file=sys.stderr)
        return BROKEN
    turned, words = _upright(image)
    json.dump(_joined(words, _read(flattened(image.rotate(turned, expand=True)))), sys.stdout)
    return 0


def _upright(image: Any) -> tuple[int, list[Found]]:
    """By how much it has to be turned to be read, and its words then."""
    best: tuple[int, list[Found]] = (0, [])
    for turned in (0, 180, 90, 270):
        words = _read(image.rotate(turned, expand=True))
        best = max(best, (turned, words), key=lambda one: _worth(one[1]))
        if len(best[1]) >= _FEW and _sureness(best[1]) >= _UPSIDE_DOWN:
            break
    return best


def _joined(words: list[Found], others: list[Found]) -> list[Found]:
    """What either reading saw; of what both saw, the surer."""
    kept = [
        word for word in words if not any(_same(word, other) and other[5] > word[5] + 0.1 for other in others)
    ]
    return kept + [other for other in others if not any(_same(other, word) for word in kept)]


def _same(one: Found, other: Found) -> bool:
    """Whether two boxes are about the same place: they overlap by half of the smaller."""
    wide = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    high = min(one[2] + one[4], other[2] + other[4]) - max(one[2], other[2])
    return wide > 0 and high > 0 and wide * high > 0.4 * min(one[3] * one[4], other[3] * other[4])


def _read(image: Any) -> list[Found]:
    """Words with their boxes and confidences. Sparse text: nothing is assumed of the layout."""
    out = io.BytesIO()
    image.save(out, "BMP")
    command = ("tesseract", "stdin", "stdout", "--psm", "11", "--dpi", "300", "-l", "eng", "tsv")
    environment = {"OMP_THREAD_LIMIT": "1", "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    if "TESSDATA_PREFIX" in os.environ:
        environment["TESSDATA_PREFIX"] = os.environ["TESSDATA_PREFIX"]
    done = subprocess.run(command, input=out.getvalue(), capture_output=True, env=environment, check=True)  # noqa: S603
    rows = csv.DictReader(io.StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [_word(row) for row in rows if row["level"] == "5" and (row["text"] or "").strip()]


def _word(row: dict[str, str]) -> Found:
    left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    return row["text"], left, top, width, height, float(row["conf"]) / 100


def _sureness(words: list[Found]) -> float:
    letters = sum(len(word[0]) for word in words)
    return sum(word[5] * len(word[0]) for word in words) / letters if letters else 0.0


def _worth(words: list[Found]) -> float:
    return sum(word[5] * len(word[0]) for word in words if word[5] > 0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
