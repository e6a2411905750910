"""The tie of a cursor: numbers of resources, derived ones (negative) included."""

from __future__ import annotations

import pytest

from fhirserver.search import cursor
from fhirserver.search.expression import Cursor


@pytest.mark.parametrize("tie", [0, 17, -17, 2**53])
def test_every_number_of_a_resource_comes_back(tie: int) -> None:
    assert cursor.decode(cursor.encode(Cursor((), tie)), ()).tie == tie


def test_a_number_no_resource_can_have_is_refused() -> None:
    with pytest.raises(ValueError):
        cursor.decode(cursor.encode(Cursor((), -(2**70))), ())
