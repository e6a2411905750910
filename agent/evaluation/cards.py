"""A photo of an insurance card as a persona would send it: drawn from what the scenario says stands on it."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any

_SIZE = (1100, 700)
_LABELS = {"name": "Member Name:", "member": "Member ID:", "group": "Group #:", "plan": "Plan:"}


def photo(printed: Mapping[str, Any], seed: str = "") -> bytes:
    """A JPEG: ``payer`` large at the top, the other fields with their labels, ``text`` as it stands at the bottom;
    slightly tilted, on a table."""
    from PIL import Image, ImageDraw, ImageFont

    chance = random.Random(seed)  # noqa: S311 - how it lies, no secret
    table = Image.new(
        "RGB", (_SIZE[0] + 160, _SIZE[1] + 160), chance.choice(("#6b5d4f", "#4a4f55", "#a39a8c"))
    )
    card = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(card)
    draw.text((50, 40), str(printed.get("payer", "")), "black", ImageFont.load_default(64))
    rows = [f"{label} {printed[name]}" for name, label in _LABELS.items() if printed.get(name)]
    for row, text in enumerate(rows):
        draw.text((50, 170 + row * 70), text, "black", ImageFont.load_default(38))
    for row, text in enumerate(str(printed.get("text", "")).splitlines()):
        draw.text((50, 490 + row * 50), text, "black", ImageFont.load_default(30))
    table.paste(card, (80, 80))
    taken = table.rotate(chance.uniform(-3, 3), Image.Resampling.BICUBIC, fillcolor="#505050")
    out = io.BytesIO()
    taken.save(out, "JPEG", quality=85)
    return out.getvalue()
