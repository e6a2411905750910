"""How a resource of a conversion refers to another of it: ``urn:local:Patient[1]``."""

from __future__ import annotations

import re
from typing import Final

LOCAL: Final = "urn:local:"
LOCALS: Final = re.compile(rb'"reference":"' + LOCAL.encode() + rb'([^"]+)"')
"""Such a reference in compact JSON, where quotation marks within texts are escaped; its group is the name."""
