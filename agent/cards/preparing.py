"""A photo made ready for recognition: upright by its EXIF, grey, straightened, of a size at which letters are read.

Decodes what strangers sent, so only the process of :mod:`agent.cards.worker` imports it.
"""

from __future__ import annotations

import io
import itertools
import warnings

import pypdfium2
from PIL import Image, ImageChops, ImageFilter, ImageOps

from agent.cards.pictures import MOST_PIXELS

_LONG_SIDE = 2000
"""Pixels of the longer side: a card that fills the photo then has letters of 30 pixels and more."""
_MEASURED = 800
"""Pixels of the longer side at which tilt is measured."""
_TILTS = [step / 2 for step in range(-16, 17)]

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


def prepared(data: bytes) -> Image.Image:
    """The grey picture with level lines, which may still stand on its head. Raises OSError, ValueError or Pillow's and
    PDFium's own errors for what cannot be decoded."""
    image = _page(data) if data.startswith(b"%PDF-") else _photo(data)
    scale = _LONG_SIDE / max(image.size)
    if not 0.8 < scale <= 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    image = ImageOps.autocontrast(image, cutoff=1)
    fine = _fine(image)
    if _sharpness(fine) < _sharpness(fine.rotate(-90, expand=True)):  # it was photographed sideways
        image, fine = image.rotate(-90, expand=True), fine.rotate(-90, expand=True)
    tilt = max(_TILTS, key=lambda by: _sharpness(_turned(fine, by)) - abs(by) * 1e-6)
    if not tilt:
        return image
    return image.rotate(tilt, Image.Resampling.BICUBIC, expand=True, fillcolor=_paper(image))


def flattened(image: Image.Image) -> Image.Image:
    """Only what stands out from its surroundings, dark on white: shade and glare go, and white letters on a dark
    ground become dark ones on a white ground."""
    fine = ImageChops.difference(image, image.filter(ImageFilter.BoxBlur(24)))
    return ImageOps.invert(ImageOps.autocontrast(fine, cutoff=(50, 1)))


def _page(data: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(data)
    page = document[0]
    width, height = page.get_size()
    rendered = page.render(scale=_LONG_SIDE / max(width, height, 1.0), grayscale=True)
    grey: Image.Image = rendered.to_pil().convert("L")
    return grey


def _photo(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        image.draft("L", (_LONG_SIDE, _LONG_SIDE))
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("RGBA", "LA", "P"):
            clear = upright.convert("RGBA")
            ground = Image.new("RGBA", clear.size, "white")
            upright = Image.alpha_composite(ground, clear)
        return upright.convert("L")


def _paper(image: Image.Image) -> int:
    middle: int = sorted(image.resize((16, 16), Image.Resampling.BOX).tobytes())[128]
    return middle


def _fine(image: Image.Image) -> Image.Image:
    """Small and with only its fine structure left: text stays, table and shade go."""
    small = image.copy()
    small.thumbnail((_MEASURED, _MEASURED), Image.Resampling.BOX)
    fine = ImageChops.difference(small, small.filter(ImageFilter.BoxBlur(6)))
    edge = 12
    return fine.crop((edge, edge, fine.width - edge, fine.height - edge))


def _sharpness(image: Image.Image) -> float:
    """How much rows of text stand out from the gaps between them: the differences of neighbouring rows' means."""
    column = image.resize((1, image.height), Image.Resampling.BOX).tobytes()
    return sum((a - b) ** 2 for a, b in itertools.pairwise(column)) / max(len(column), 1)


def _turned(image: Image.Image, by: float) -> Image.Image:
    return image.rotate(by, Image.Resampling.BILINEAR, fillcolor=0)
