"""How a resource of a conversion refers to another of it: ``urn:local:Patient[1]``."""

from __future__ import annotations

from typing import Final

LOCAL: Final = "urn:local:"
