"""Logical ids. https://hl7.org/fhir/R4/datatypes.html#id"""

from __future__ import annotations

import hashlib
import os
import re
import uuid

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_NEW = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
_NAMESPACE = uuid.UUID("6f9b36a5-7b0d-5a2e-9f52-6c1d2d0f7a11").bytes


def is_id(text: object) -> bool:
    """Whether ``text`` may be a logical id: 1 to 64 of ``A-Z a-z 0-9 - .``."""
    return isinstance(text, str) and _ID.match(text) is not None


def new_id() -> str:
    """A fresh random id: a version 4 UUID, put together without the class, which is slower than all the rest."""
    text = os.urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def may_be_new(text: str) -> bool:
    """Whether an id looks like one of :func:`new_id`, rather than one that a client chose."""
    return _NEW.match(text) is not None


def derived_id(*parts: str) -> str:
    """An id that is always the same for the same parts: a version 5 UUID, put together without the class."""
    text = hashlib.sha1(_NAMESPACE + "\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
