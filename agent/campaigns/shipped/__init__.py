"""The campaigns that are shipped: documents with words in English and Spanish, to be kept as they are or changed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from fhirserver.kernel.json import loads
from fhirserver.ports.campaigns import Template

_NAMES = ("appointment-reminder", "post-visit-follow-up", "no-show-rebooking", "missing-data")


def shipped() -> Sequence[Template]:
    """All of them."""
    return [_template(name) for name in _NAMES]


def _template(name: str) -> Template:
    told = loads((files(__name__) / f"{name}.json").read_bytes())
    assert isinstance(told, dict)
    return Template(told["id"], told["title"], told["description"], told["document"])
