"""Insurance cards that are drawn here: invented people and numbers, in the layouts that real cards have.

Every card is drawn from a seed: layout, fonts, words, and how the photo was taken (turned, tilted, blurred, noisy,
badly lit). ``drawn(seed)`` gives what is printed on it and the picture.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import NormalDist

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

_FONTS = Path("/usr/share/fonts/truetype")
FAMILIES = (
    ("dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Bold.ttf"),
    ("liberation/LiberationSans-Regular.ttf", "liberation/LiberationSans-Bold.ttf"),
    ("liberation/LiberationSansNarrow-Regular.ttf", "liberation/LiberationSansNarrow-Bold.ttf"),
    ("liberation/LiberationSerif-Regular.ttf", "liberation/LiberationSerif-Bold.ttf"),
    ("dejavu/DejaVuSansCondensed.ttf", "dejavu/DejaVuSansCondensed-Bold.ttf"),
)
PAYERS = (
    "Aetna", "Anthem", "Blue Cross Blue Shield", "Cigna", "Humana", "Kaiser Permanente", "UnitedHealthcare",
    "Molina Healthcare", "Oscar Health", "Highmark", "Ambetter", "Regence", "CareSource", "Florida Blue",
)  # fmt: skip
_GIVEN = ("Maria", "James", "Olivia", "Daniel", "Renata", "Walter", "Priya", "Thomas", "Eve", "Carlos")
_FAMILY = ("Santos", "Whitfield", "Nguyen", "Abara", "Kowalski", "Delgado", "Okafor", "Marsh", "Lindgren")
_PLANS = (
    "PPO Gold 1500",
    "HMO Silver",
    "Choice POS II",
    "Open Access Plus",
    "EPO Bronze",
    "Medicare Advantage",
)
PHOTOS = ("scan", "tilted", "turned", "blurred", "noisy", "dim", "upside_down", "small", "glare")


@dataclass(frozen=True)
class Printed:
    """What stands on a card; empty where it does not."""

    payer: str
    member: str
    group: str
    plan: str
    name: str
    effective: date
    rx_bin: str
    rx_pcn: str
    rx_group: str
    phone: str


@dataclass(frozen=True)
class DrawnCard:
    """``photo`` is one of :data:`PHOTOS`; ``png`` the picture."""

    printed: Printed
    layout: str
    photo: str
    png: bytes = field(repr=False)


def printed(chance: random.Random) -> Printed:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    prefix = "".join(chance.choice(letters) for _ in range(chance.choice((0, 1, 3))))
    digits = "".join(chance.choice("0123456789") for _ in range(chance.choice((8, 9, 10, 11))))
    return Printed(
        chance.choice(PAYERS),
        prefix + digits,
        "".join(chance.choice("0123456789") for _ in range(chance.choice((5, 6, 7)))),
        chance.choice(_PLANS),
        f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}",
        date(chance.choice((2023, 2024, 2025, 2026)), chance.randint(1, 12), chance.choice((1, 1, 15))),
        "".join(chance.choice("0123456789") for _ in range(6)),
        chance.choice(("ADV", "A4", "MEDDPRIME", "9999", "PCS1")),
        chance.choice(("RX8842", "RXGRP7", "COS55", "UHEALTH")),
        f"1-8{chance.choice(('00', '55', '66', '77', '88'))}-{chance.randint(200, 999)}-{chance.randint(1000, 9999)}",
    )  # fmt: skip


class Card:
    """A blank card to draw on: 1,012 × 638 points, as large as a bank card at 300 dots an inch."""

    size = (1012, 638)

    def __init__(self, family: tuple[str, str], paper: str, ink: str):
        self.image = Image.new("RGB", self.size, paper)
        self.draw = ImageDraw.Draw(self.image)
        self._family, self.ink = family, ink

    def font(self, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(_FONTS / self._family[bold]), size)

    def text(self, x: int, y: int, text: str, size: int = 26, bold: bool = False, ink: str = "") -> int:
        """Draw; where it ends."""
        font = self.font(size, bold)
        self.draw.text((x, y), text, font=font, fill=ink or self.ink)
        return x + int(font.getlength(text))

    def pair(self, x: int, y: int, label: str, value: str, size: int = 26) -> None:
        end = self.text(x, y, label, size)
        self.text(end + size // 2, y, value, size, bold=True)

    def over(self, x: int, y: int, label: str, value: str, size: int = 26) -> None:
        """A small label with its value below."""
        self.text(x, y, label, int(size * 0.72))
        self.text(x, y + int(size * 0.95), value, size, bold=True)


def _inline(card: Card, said: Printed, chance: random.Random) -> None:
    card.text(40, 34, said.payer, 50, True)
    card.text(40, 100, said.plan, 28)
    rows = [
        (chance.choice(("Member Name:", "Name:", "Subscriber:")), said.name),
        (chance.choice(("Member ID:", "ID#:", "Member ID#", "Subscriber ID:")), said.member),
        (chance.choice(("Group:", "Group #:", "Group No.", "Grp:")), said.group),
        (chance.choice(("Effective Date:", "Eff. Date:", "Effective:")), said.effective.strftime("%m/%d/%Y")),
    ]
    for row, (label, value) in enumerate(rows):
        card.pair(40, 180 + row * 54, label, value, 28)
    for row, (label, value) in enumerate(
        (("RxBIN:", said.rx_bin), ("RxPCN:", said.rx_pcn), ("RxGrp:", said.rx_group))
    ):
        card.pair(620, 180 + row * 54, label, value, 26)
    card.text(40, 440, "Office Visit $25   Specialist $50   Emergency Room $250", 22)
    card.pair(
        40, 560, chance.choice(("Customer Service", "Member Services:", "Questions? Call")), said.phone, 24
    )


def _above(card: Card, said: Printed, chance: random.Random) -> None:
    card.draw.rectangle((0, 0, 1012, 120), fill=chance.choice(("#123a6b", "#0b5d4b", "#6b1236")))
    card.text(40, 30, said.payer, 48, True, "white")
    card.over(40, 160, chance.choice(("MEMBER NAME", "SUBSCRIBER NAME", "Member")), said.name.upper(), 32)
    card.over(40, 260, chance.choice(("MEMBER ID", "IDENTIFICATION NUMBER", "ID NUMBER")), said.member, 32)
    card.over(40, 360, "GROUP NUMBER", said.group, 32)
    card.over(560, 160, "PLAN", said.plan, 30)
    card.over(560, 260, "RXBIN", said.rx_bin, 28)
    card.over(760, 260, "RXPCN", said.rx_pcn, 28)
    card.over(560, 360, "RXGRP", said.rx_group, 28)
    card.over(
        760, 360, chance.choice(("EFFECTIVE DATE", "COVERAGE DATE")), said.effective.strftime("%m/%d/%y"), 28
    )
    card.text(40, 480, "PCP $20    SPEC $40    ER $300    URGENT CARE $75", 22)
    card.text(40, 560, f"Member Services {said.phone}", 24)


def _columns(card: Card, said: Printed, chance: random.Random) -> None:
    card.text(40, 30, said.payer.upper(), 46, True)
    rows = [
        ("Subscriber", said.name),
        (chance.choice(("Identification No.", "Member ID", "Policy Number")), said.member),
        (chance.choice(("Group Number", "Group No")), said.group),
        ("Plan", said.plan),
        ("Effective Date", said.effective.strftime("%m-%d-%Y")),
        ("BIN", said.rx_bin),
        ("PCN", said.rx_pcn),
        ("Rx Group", said.rx_group),
        (chance.choice(("Customer Service", "Member Services")), said.phone),
    ]
    for row, (label, value) in enumerate(rows):
        card.text(40, 120 + row * 52, label, 26)
        card.text(430, 120 + row * 52, value, 26, True)


def _two_sided(card: Card, said: Printed, chance: random.Random) -> None:
    """A label and a value share lines with their neighbours, as on most American cards."""
    card.text(40, 30, said.payer, 44, True)
    right = card.font(24).getlength(said.plan)
    card.text(int(970 - right), 40, said.plan, 24)
    card.over(40, 130, "Subscriber Name", said.name, 30)
    card.over(560, 130, "Effective", said.effective.strftime("%B %-d, %Y"), 26)
    card.over(40, 240, "Subscriber ID", said.member, 30)
    card.over(560, 240, "Group", said.group, 30)
    card.text(40, 380, f"RxBIN {said.rx_bin}    RxPCN {said.rx_pcn}    RxGrp {said.rx_group}", 24)
    card.text(40, 440, "Deductible $1,500   Out of Pocket $6,000   Copay $30", 22)
    card.draw.line((40, 500, 970, 500), fill=card.ink, width=2)
    card.text(40, 530, f"For members: {said.phone}   www.example.org", 24)


LAYOUTS: dict[str, Callable[[Card, Printed, random.Random], None]] = {
    "inline": _inline,
    "above": _above,
    "columns": _columns,
    "two_sided": _two_sided,
}


def drawn(seed: int, photo: str = "") -> DrawnCard:
    """The card of a seed, photographed as the seed says or as ``photo`` does."""
    chance = random.Random(seed)
    said = printed(chance)
    layout = chance.choice(sorted(LAYOUTS))
    paper = chance.choice(("white", "#f4f7fb", "#fdf6e3", "#e8f1ee"))
    card = Card(chance.choice(FAMILIES), paper, chance.choice(("black", "#1b1b3a", "#222222")))
    LAYOUTS[layout](card, said, chance)
    how = photo or chance.choice(PHOTOS)
    return DrawnCard(said, layout, how, png(photographed(card.image, how, chance)))


def photographed(image: Image.Image, how: str, chance: random.Random) -> Image.Image:
    """The card as a telephone's camera takes it: on a table, never quite straight."""
    table = Image.new("RGB", (1240, 860), chance.choice(("#7d6b58", "#4a4f55", "#b9b2a6")))
    table.paste(image, (114, 111))
    if how == "scan":
        return image
    tilt = {"tilted": chance.uniform(-6, 6), "turned": 90, "upside_down": 180}.get(
        how, chance.uniform(-1.5, 1.5)
    )
    taken = table.rotate(tilt, expand=how == "turned", resample=Image.Resampling.BICUBIC, fillcolor="#5a5a5a")
    if how == "blurred":
        taken = taken.filter(ImageFilter.GaussianBlur(chance.uniform(1.0, 1.6)))
    if how == "noisy":
        taken = Image.blend(taken, _noise(taken.size, chance.uniform(30, 55), chance).convert("RGB"), 0.25)
    if how == "dim":
        shade = Image.linear_gradient("L").resize(taken.size).point(lambda v: 90 + v // 3)
        taken = ImageChops.multiply(taken, Image.merge("RGB", (shade, shade, shade)))
    if how == "small":
        taken = taken.resize((taken.width * 6 // 10, taken.height * 6 // 10), Image.Resampling.LANCZOS)
    if how == "glare":
        light = Image.radial_gradient("L").point(lambda v: max(0, 140 - v)).resize((500, 400))
        spot = Image.new("L", taken.size, 0)
        spot.paste(light, (chance.randint(300, 700), chance.randint(100, 400)))
        taken = ImageChops.screen(taken, Image.merge("RGB", (spot, spot, spot)))
    return taken


def _noise(size: tuple[int, int], spread: float, chance: random.Random) -> Image.Image:
    """Normally distributed around grey. Pillow's own depends on all that was drawn before."""
    normal = NormalDist(128, spread)
    levels = [min(255, max(0, round(normal.inv_cdf((byte + 0.5) / 256)))) for byte in range(256)]
    return Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).point(levels)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def jpeg(image: Image.Image, orientation: int = 1, quality: int = 80) -> bytes:
    """``orientation`` is that of EXIF (1: upright)."""
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()
