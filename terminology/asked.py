"""What a request asks of the terminology that it is answered with.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse


@dataclass(frozen=True, slots=True)
class Asked:
    """``resources`` are those of ``tx-resource``. With ``cache`` (``cache-id``), they are kept for later requests of
    the same ``principal`` with the same id. The maps are from url to version: of code systems, and
    (``value_sets``: ``default-valueset-version``) of value sets. ``supplements`` are canonicals (``useSupplement``)."""

    resources: tuple[JsonObject, ...] = ()
    cache: str = ""
    principal: str = ""
    system_version: Mapping[str, str] = field(default_factory=dict)
    check_system_version: Mapping[str, str] = field(default_factory=dict)
    force_system_version: Mapping[str, str] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)
    supplements: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for: what the server holds, as it is."""
        return not (
            self.resources
            or self.cache
            or self.system_version
            or self.check_system_version
            or self.force_system_version
            or self.value_sets
            or self.supplements
        )


PLAIN = Asked()


def read_asked(given: Mapping[str, Sequence[Json]], principal: str) -> Asked:
    """From the parameters of a request. Refuses (400) what is no canonical with a version, or no resource."""
    return Asked(
        resources=tuple(_resource(one) for one in given.get("tx-resource", ())),
        cache=next((str(one) for one in given.get("cache-id", ())), ""),
        principal=principal,
        system_version=_versions(given, "system-version"),
        check_system_version=_versions(given, "check-system-version"),
        force_system_version=_versions(given, "force-system-version"),
        value_sets=_versions(given, "default-valueset-version"),
        supplements=tuple(dict.fromkeys(str(one) for one in given.get("useSupplement", ()))),
    )


def _resource(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        at = "Parameters.parameter.where(name='tx-resource')"
        raise refuse(Category.INVALID, "invalid", "A tx-resource is a resource", at)
    return value


def _versions(given: Mapping[str, Sequence[Json]], name: str) -> dict[str, str]:
    """Of a url that is there twice, the first version counts."""
    found: dict[str, str] = {}
    for value in given.get(name, ()):
        url, bar, version = str(value).partition("|")
        if not (url and bar and version):
            at = f"Parameters.parameter.where(name='{name}')"
            raise refuse(Category.INVALID, "value", f"{name} is a canonical with a version: url|version", at)
        found.setdefault(url, version)
    return found
