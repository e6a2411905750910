"""All kinds of releases that can be imported."""

from __future__ import annotations

from terminology.imports.kind import Import

IMPORTS: tuple[Import, ...] = ()
"""In the order in which the help lists them."""


def find_import(kind: str) -> Import | None:
    return next((one for one in IMPORTS if one.kind == kind), None)
