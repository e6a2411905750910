"""Which version is meant: exact, or with wildcards (``1.x``, ``1.0.x``, ``1.0?``)."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.model.canonicals import version_order

_ANY = frozenset({"x", "X", "*"})


def split(canonical: str) -> tuple[str, str]:
    """``(url, version)`` of a canonical; the version is empty where none follows ``|``."""
    url, _, version = canonical.partition("|")
    return url, version


def joined(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url


def fits(version: str, wanted: str) -> bool:
    """Whether a version is one that ``wanted`` may mean; an empty one means any.

    ``1.x`` fits every version that begins with ``1.``, ``1.x.0`` those with a 0 in the third place, ``1.0?`` all that
    begin with ``1.0``. A version that is only cut short (``1``) fits none but itself, as the tests of the ecosystem
    have it; but an edition of SNOMED CT (``http://snomed.info/sct/731000124108``) fits all versions of it.
    """
    if wanted in ("", version) or wanted in _ANY:
        return True
    if wanted.endswith("?"):
        return version.startswith(wanted[:-1])
    if "://" in wanted:
        return version.startswith(f"{wanted.rstrip('/')}/")
    asked, parts = wanted.split("."), version.split(".")
    if not _ANY.intersection(asked):
        return False
    while len(asked) > len(parts) and asked[-1] in _ANY:
        asked.pop()
    if len(asked) > len(parts) or (len(asked) < len(parts) and asked[-1] not in _ANY):
        return False
    return all(one in _ANY or one == part for one, part in zip(asked, parts, strict=False))


def is_pattern(version: str) -> bool:
    """Whether it has wildcards."""
    return version.endswith("?") or any(part in _ANY for part in version.split("."))


def newest(versions: Iterable[str], wanted: str = "") -> str | None:
    """The one that is named exactly, else the newest that fits, or None."""
    fitting = [one for one in versions if fits(one, wanted)]
    if wanted in fitting:
        return wanted
    return max(fitting, key=version_order, default=None)
