"""Units as comparing and computing quantities needs them: a factor over dimensions.

https://ucum.org/ucum. Units with an offset (``Cel``) or a logarithm are only compared with themselves.
"""

from __future__ import annotations

from fhirserver.model.ucum import Unit, meaning

__all__ = ["Unit", "unit"]


def unit(code: str) -> Unit | None:
    """What a UCUM code means; None for what is no UCUM unit."""
    return meaning(code, apart=True)
