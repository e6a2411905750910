"""What somebody may do with which resources: grants, and what they come to as conditions of a search.

A principal without permissions may do what its roles say with all resources. One with them may do what some grant
allows; the conditions are put into every search and asked of every resource that is read or written
(:mod:`fhirserver.access.guarded`).
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from fhirserver.access.masks import Mask
from fhirserver.access.scopes import LETTERS, Scope, Scopes
from fhirserver.search.compartments import PATIENT, making_a_patients
from fhirserver.search.expression import (
    Everything,
    Expression,
    IdIs,
    Not,
    Nothing,
    ReferenceIs,
    TokenIs,
    conjunction,
    disjunction,
)
from fhirserver.world.review import REVIEW
from fhirserver.world.vocabulary import CONFIDENTIALITY, TASK_CODE

ALL = "*"
Reading = Callable[[str, Sequence[tuple[str, str]]], Expression]
"""What search parameters ask of a type."""

SHARED = frozenset(
    {
        "ActivityDefinition",
        "CapabilityStatement",
        "ChargeItemDefinition",
        "CodeSystem",
        "CompartmentDefinition",
        "ConceptMap",
        "DeviceDefinition",
        "EventDefinition",
        "ExampleScenario",
        "GraphDefinition",
        "HealthcareService",
        "ImplementationGuide",
        "InsurancePlan",
        "Library",
        "Location",
        "Measure",
        "Medication",
        "MedicationKnowledge",
        "MessageDefinition",
        "NamingSystem",
        "ObservationDefinition",
        "OperationDefinition",
        "Organization",
        "OrganizationAffiliation",
        "PlanDefinition",
        "Practitioner",
        "PractitionerRole",
        "Questionnaire",
        "SearchParameter",
        "Slot",
        "SpecimenDefinition",
        "StructureDefinition",
        "StructureMap",
        "Substance",
        "TerminologyCapabilities",
        "ValueSet",
    }
)
"""Types of which no resource is about a patient: an app of one patient may read them, and write none."""
_MOST_ALLOWED = 2048
BINARY = "Binary"
"""Is a patient's by the resource that its ``securityContext`` names."""
OWNED = "Subscription"
"""Is its owner's: whoever has permissions sees their own and no other. For one patient it must be named in the scope:
no compartment holds it, and it goes on when nobody looks."""
TASK = "Task"
_NO_REVIEW = Not(TokenIs("code", TASK_CODE, REVIEW))
"""Review items hold what sources say of other resources and of other patients, also what is hidden or masked there."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``letters`` of ``cruds`` on a type (``*``: any), of one patient only where ``patient`` is an id, and only for
    what the search parameters ``criteria`` find."""

    letters: str
    type: str = ALL
    patient: str = ""
    criteria: tuple[tuple[str, str], ...] = ()

    def allows(self, letter: str, type: str) -> bool:
        """Whether it says anything of a letter and a type."""
        if letter not in self.letters or self.type not in (ALL, type):
            return False
        if not self.patient:
            return True
        if type in SHARED:
            return letter in "rs"
        if type == BINARY:
            return letter == "r"
        if type == OWNED:
            return self.type == OWNED
        return bool(_of_patient(type))


@dataclass(frozen=True, slots=True)
class Permissions:
    """The grants, any of which suffices; ``hidden`` are codes of confidentiality that are not shown, ``masks`` parts of
    resources that are not. ``broken``: the reason for which hidden resources are shown all the same (break-glass)."""

    grants: tuple[Grant, ...]
    hidden: frozenset[str] = frozenset()
    masks: tuple[Mask, ...] = ()
    broken: str = ""
    opens: bool = False
    """Whether a reason may be given for which hidden resources are shown."""
    patients: frozenset[str] = field(init=False)
    """The only patients there are grants for; empty where one is for any."""
    follows_parameters: bool = field(init=False)
    """Whether what they come to may change with the search parameters, and with what value sets hold."""

    whole: frozenset[str] = field(init=False)
    """The letters that are allowed with every resource of every type, all of it shown."""
    sees_all: bool = field(init=False)
    """Whether everything may be read and found, of all types and patients, whole."""
    _allowed: dict[tuple[str, str], bool] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        named = {grant.patient for grant in self.grants}
        object.__setattr__(self, "patients", frozenset() if "" in named else frozenset(named))
        criteria = any(grant.criteria for grant in self.grants)
        object.__setattr__(self, "follows_parameters", criteria or bool(self.masks) or bool(self.broken))
        letters = "".join(g.letters for g in self.grants if g == Grant(g.letters))
        object.__setattr__(self, "whole", frozenset() if self.hides or self.masks else frozenset(letters))
        object.__setattr__(self, "sees_all", {"r", "s"} <= self.whole)

    def may(self, letters: str, type: str) -> bool:
        """Whether there is anything of the type that may be done by one of the letters."""
        allowed = self._allowed.get((letters, type))
        if allowed is None:
            allowed = any(grant.allows(letter, type) for grant in self.grants for letter in letters)
            if len(self._allowed) < _MOST_ALLOWED:  # types are what a client writes
                self._allowed[letters, type] = allowed
        return allowed

    def may_all(self, letters: str, type: str) -> bool:
        """Whether all of the letters may be done with every resource of the type."""
        whole = "".join(
            g.letters for g in self.grants if not g.patient and not g.criteria and g.type in (ALL, type)
        )
        free = not self.hides and not self.masked(type) and type != OWNED
        return set(letters) <= set(whole) and free and (type != TASK or self.sees_all)

    @property
    def hides(self) -> bool:
        """Whether resources are hidden for their confidentiality."""
        return bool(self.hidden) and not self.broken

    def masked(self, type: str) -> tuple[Mask, ...]:
        """The masks of a type; those of another's parts stand for what holds such."""
        return tuple(mask for mask in self.masks if mask.type == type)

    def condition(self, letters: str, type: str, reading: Reading) -> Expression:
        """What must hold of a resource of the type for one of the letters to be allowed."""
        allowed = [grant for grant in self.grants if any(grant.allows(letter, type) for letter in letters)]
        alternatives = [_asked(grant, type, reading) for grant in dict.fromkeys(allowed)]
        if not alternatives:
            return Nothing()
        return conjunction([disjunction(alternatives), *self._shown(type)])

    def _shown(self, type: str) -> list[Expression]:
        codes = sorted(self.hidden) if self.hides else ()
        hidden: list[Expression] = [Not(TokenIs("_security", CONFIDENTIALITY, code)) for code in codes]
        return [*hidden, _NO_REVIEW] if type == TASK and not self.sees_all else hidden

    def opened(self, reason: str) -> Permissions:
        """These where a reason was given to see what is hidden."""
        return replace(self, broken=reason)


UNRESTRICTED = Grant(LETTERS)


def _asked(grant: Grant, type: str, reading: Reading) -> Expression:
    conditions = [reading(type, grant.criteria)] if grant.criteria else []
    if grant.patient and type not in SHARED and type != OWNED:
        conditions.append(of_patient(type, grant.patient))
    return conjunction(conditions) if conditions else Everything()


@lru_cache(maxsize=4096)
def of_patient(type: str, id: str) -> Expression:
    """What makes a resource one of a patient."""
    if type == PATIENT:
        return IdIs(id)
    return disjunction([ReferenceIs(param, PATIENT, id) for param in _of_patient(type)])


def _of_patient(type: str) -> tuple[str, ...]:
    """The search parameters by which resources of a type are a patient's."""
    return ("_id",) if type == PATIENT else making_a_patients(type)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may do with or without an app: ``letters``, for ``patients`` only where those are named."""

    letters: str = LETTERS
    patients: frozenset[str] | None = None


def permissions_of(
    scopes: Scopes | Iterable[Scope], patient: str = "", rights: Rights = Rights()
) -> Permissions:
    """What granted scopes let an app do: ``patient/`` for the ``patient`` in context, ``user/`` and ``system/`` as far
    as ``rights`` go. None does more than the user may."""
    access = scopes.access if isinstance(scopes, Scopes) else tuple(scopes)
    grants: dict[Grant, None] = {}
    for scope in access:
        letters = "".join(letter for letter in scope.letters if letter in rights.letters)
        if not letters:
            continue
        for one in _patients(scope, patient, rights):
            grants[Grant(letters, scope.type, one, scope.criteria)] = None
    return Permissions(tuple(grants))


def with_user(permissions: Permissions, user: str, patient: str = "") -> Permissions:
    """These, with reading what the user themselves are in the record (``fhirUser``, such as ``Practitioner/1``):
    whoever is told who signed in may look it up. No other patient's record is opened by it."""
    type, _, id = user.partition("/")
    among = patient or min(permissions.patients, default="")
    if type == PATIENT and id != among:
        return permissions
    criteria = () if type == PATIENT else (("_id", id),)
    return replace(permissions, grants=(*permissions.grants, Grant("r", type, among, criteria)))


def _patients(scope: Scope, patient: str, rights: Rights) -> Sequence[str]:
    """For which patients a scope is; an empty id stands for all."""
    if scope.level == "patient":
        allowed = bool(patient) and (rights.patients is None or patient in rights.patients)
        return [patient] if allowed else []
    return [""] if rights.patients is None else sorted(rights.patients)
