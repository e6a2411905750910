"""A query of somebody who may see one patient's: nothing is asked twice, and nothing is asked too little."""

from __future__ import annotations

import pytest

from fhirserver.access.permissions import of_patient
from fhirserver.search.expression import And, Expression, Not, Or, Query, ReferenceIs, TokenIs
from fhirserver.search.narrowing import narrowed

_CODE = TokenIs("code", None, "8867-4")


def of(param: str, id: str = "ada", type: str | None = "Patient") -> ReferenceIs:
    return ReferenceIs(param, type, id)


def asked(where: Expression, type: str = "Observation") -> Expression:
    """What is asked for whoever may see Ada's."""
    return narrowed(Query(type, where), lambda one: of_patient(one, "ada"), lambda _, __: None).where


@pytest.mark.parametrize("param", ["patient", "subject", "performer"])
def test_whoever_names_the_patient_asks_for_that_ones_alone(param: str) -> None:
    assert asked(of(param)) == of(param)
    assert asked(And((_CODE, of(param)))) == And((_CODE, of(param)))


@pytest.mark.parametrize(
    "where",
    [
        _CODE,
        of("patient", "bob"),
        of("subject", type=None),
        of("subject", type="Group"),
        of("encounter"),
        of("focus"),
        of("no-such-parameter"),
        Or((of("patient"), of("patient", "bob"))),
        Or((of("patient"), _CODE)),
        Not(of("patient")),
    ],
)
def test_whatever_may_find_others_too_is_asked_of_that_ones(where: Expression) -> None:
    assert asked(where) == And((of_patient("Observation", "ada"), where))


def test_a_wider_parameter_does_not_stand_for_a_narrower_one() -> None:
    """``Procedure.performer.actor`` is in the compartment, ``Encounter.participant.individual`` is not."""
    assert asked(of("performer"), "Procedure") == of("performer")
    participant = of("participant")
    assert asked(participant, "Encounter") == And((of_patient("Encounter", "ada"), participant))
