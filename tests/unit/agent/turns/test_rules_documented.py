"""The table of times in the documentation is that of the code."""

import re
from dataclasses import fields
from pathlib import Path

from agent.turns.rules import Rules

DOCUMENT = Path(__file__).parents[4] / "docs" / "voice.md"


def test_every_time_is_documented_with_its_default() -> None:
    section = DOCUMENT.read_text().split("## Turn-taking", 1)[1].split("\n## ", 1)[0]
    documented = {m[1]: float(m[2]) for m in re.finditer(r"^\| `(\w+)` \| `([\d.]+)` \|", section, re.M)}
    assert documented == {field.name: field.default for field in fields(Rules)}
