"""Question and answer of ``$validate-code``, as the terminology ecosystem has them.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fhirserver.kernel.json import JsonObject

Form: TypeAlias = Literal["code", "coding", "codeableConcept"]


@dataclass(frozen=True, slots=True)
class Coded:
    """One code to ask about; empty where it was not given."""

    system: str
    code: str
    version: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class CodeQuestion:
    """``codings`` are one for a ``code`` and a ``coding``. One of ``value_set`` (canonical, or the resource) and
    ``code_system`` (the same) is asked; without both the system of each coding is.

    ``languages`` is what ``displayLanguage`` or ``Accept-Language`` says; the other members are the parameters of the
    same name.
    """

    codings: tuple[Coded, ...]
    form: Form
    value_set: str | JsonObject | None = None
    code_system: str | JsonObject | None = None
    concept: JsonObject | None = None
    """The CodeableConcept, to be answered with."""
    infer_system: bool = False
    abstract: bool = True
    active_only: bool = False
    lenient_display: bool = False
    membership_only: bool = False
    languages: str = ""


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """The parameters that are answered. ``unknown_systems`` are canonicals; where the answer hangs on them
    (``caused_by_unknown``), they are ``x-caused-by-unknown-system``, else ``x-unknown-system``."""

    result: bool
    message: str = ""
    code: str = ""
    system: str = ""
    version: str = ""
    display: str = ""
    concept: JsonObject | None = None
    inactive: bool = False
    status: str = ""
    normalized: str = ""
    issues: tuple[JsonObject, ...] = ()
    unknown_systems: tuple[str, ...] = field(default=())
    caused_by_unknown: bool = False
