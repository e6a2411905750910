"""Values that are made often are as good as frozen dataclasses: equal by their fields, of use as keys, checked."""

from __future__ import annotations

from dataclasses import field, replace
from functools import cached_property
from pathlib import Path

import pytest
from mypy import api

from fhirserver.kernel.frozen import frozen


@frozen
class _Place:
    house: str
    beds: tuple[str, ...] = ()


@frozen(slots=False)
class _Named:
    name: str
    also: list[str] = field(default_factory=list)

    @cached_property
    def loud(self) -> str:
        return self.name.upper()


def test_they_are_equal_by_their_fields_and_of_use_as_keys() -> None:
    assert {_Place("A"): 1}[_Place("A", ())] == 1
    assert replace(_Place("A"), beds=("1",)) != _Place("A")
    assert _Named("a").also is not _Named("a").also
    assert _Named("a").loud == "A"


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(AttributeError):
        _Place("A").room = "1"  # type: ignore[attr-defined]


def test_the_type_checker_refuses_a_change(tmp_path: Path) -> None:
    module = tmp_path / "changed.py"
    module.write_text(
        "from fhirserver.kernel.frozen import frozen\n"
        "@frozen\nclass One:\n    a: int\n"
        "@frozen(slots=False)\nclass Other:\n    a: int\n"
        "One(1).a = 2\nOther(1).a = 2\n"
    )
    said, _, code = api.run(["--strict", "--no-incremental", "--follow-imports=silent", str(module)])
    assert code == 1 and said.count("read-only") == 2, said
