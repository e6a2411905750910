"""Systems that are known without a CodeSystem resource: grammars, and lists that others keep."""

from __future__ import annotations

from functools import cache

from terminology.code_systems.content import ContentSystem
from terminology.grammars import GRAMMARS, grammar
from terminology.lists import LISTS, listed
from terminology.systems import System


def built_in_urls() -> list[str]:
    return [*GRAMMARS, *LISTS]


def built_in(url: str) -> System | None:
    """The system of a url, or None. Kept once it was asked for: all of them take some 5 MB."""
    return grammar(url) or (_of_list(url) if url in LISTS else None)


@cache
def _of_list(url: str) -> ContentSystem | None:
    resource = listed(url)
    return ContentSystem(resource) if resource is not None else None
