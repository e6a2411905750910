"""What a link inside a transaction means, by the rules for references in Bundles.

https://hl7.org/fhir/R4/bundle.html#references and https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.references import Literal, parse_reference

PLACEHOLDERS = ("urn:uuid:", "urn:oid:")
"""How the full URLs begin that mean nothing outside of their Bundle."""


@dataclass(slots=True)
class Links:
    """Where the entries of one transaction go. ``base_url`` is the server's own base, without a slash at its end."""

    base_url: str
    _targets: dict[str, str] = field(default_factory=dict)
    _relative: dict[str, list[str]] = field(default_factory=dict)
    _created: set[str] = field(default_factory=set)

    def add(self, full_url: str, target: str, where: str, created: bool = False) -> None:
        """An entry's ``fullUrl`` and the ``Type/id`` it will be found at; ``created`` where that is surely new.

        Of a conditional patch only criteria are known, ``Type?criteria``: a conditional reference.

        Raises a refusal (400) that points at ``where`` for a ``fullUrl`` that another entry has.
        """
        if full_url in self._targets:
            raise refuse(Category.INVALID, "duplicate", "Two entries have the same fullUrl", where)
        self._targets[full_url] = target
        if created:
            self._created.add(target)
        literal = parse_reference(full_url)
        if literal is not None and literal.base:
            # ``http://other/fhir/Patient/23`` is also what its neighbours call ``Patient/23``
            self._relative.setdefault(f"{literal.type}/{literal.id}", []).append(target)

    def uri(self, uri: str) -> str | None:
        """What stands for a uri, url, oid or uuid from now on; criteria can only stand for a reference."""
        found = self._targets.get(uri)
        return None if found is not None and "?" in found else found

    def reference(self, reference: str, full_url: str = "") -> str | None:
        """What stands for a reference in the entry with ``full_url``; None leaves it as it is.

        A relative one is resolved by the base of the entry it stands in. Where that has none it means the one
        entry with that type and id; raises a refusal (400) where there are several.
        """
        found = self._targets.get(reference)
        if found is not None:
            return found
        literal = parse_reference(reference)
        if literal is None:
            return None
        place = f"{literal.type}/{literal.id}"
        target = self._targets.get(f"{literal.base}{place}") if literal.base else self._near(place, full_url)
        if target is not None:
            return self._versioned(target, literal)
        own = f"{self.base_url}/"
        return reference.removeprefix(own) if reference.startswith(own) else None

    def _near(self, place: str, full_url: str) -> str | None:
        around = parse_reference(full_url)
        if around is not None and around.base:
            return self._targets.get(f"{around.base}{place}")
        targets = self._relative.get(place, [])
        if len(targets) > 1:
            text = "Several entries have that type and id, under different bases"
            raise refuse(Category.INVALID, "duplicate", text)
        return targets[0] if targets else None

    def _versioned(self, target: str, literal: Literal) -> str | None:
        """The version of another server is none of ours, except that what is created here begins with 1."""
        if not literal.version:
            return target
        return f"{target}/_history/1" if target in self._created else None


@dataclass(slots=True)
class Relinking:
    """One walk over an entry's links: what stands for each, and which of them only the decision can settle.

    ``movable`` are the places of conditional creates and updates: a match may take their place.
    """

    links: Links
    full_url: str
    movable: Container[str] = ()
    criteria: dict[str, None] = field(default_factory=dict)
    """The references that are ``Type?criteria``."""
    placeholders: dict[str, None] = field(default_factory=dict)
    """The references to what no entry is."""
    moves: bool = False
    """Whether a link leads to a movable place."""

    def uri(self, uri: str) -> str | None:
        found = self.links.uri(uri)
        if (found or uri) in self.movable:
            self.moves = True
        return found

    def reference(self, reference: str) -> str | None:
        found = self.links.reference(reference, self.full_url)
        meant = found or reference
        if meant in self.movable:
            self.moves = True
        elif "?" in meant:
            self.criteria[meant] = None
        elif meant.startswith(PLACEHOLDERS):
            self.placeholders[meant] = None
        return found
