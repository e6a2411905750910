from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.state_told_kind import check_state_told_kind
from ..models.state_told_kind import StateToldKind
from typing import cast


T = TypeVar("T", bound="StateTold")


@_attrs_define
class StateTold:
    """A state of the context graph. `changed`: the document says something of it.

    Attributes:
        name (str):
        kind (StateToldKind):
        after (list[str]):
        needs_identity (bool):
        says (str):
        max_turns (int):
        form_after (int):
        changed (bool):
    """

    name: str
    kind: StateToldKind
    after: list[str]
    needs_identity: bool
    says: str
    max_turns: int
    form_after: int
    changed: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        kind: str = self.kind

        after = self.after

        needs_identity = self.needs_identity

        says = self.says

        max_turns = self.max_turns

        form_after = self.form_after

        changed = self.changed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "kind": kind,
                "after": after,
                "needs_identity": needs_identity,
                "says": says,
                "max_turns": max_turns,
                "form_after": form_after,
                "changed": changed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        kind = check_state_told_kind(d.pop("kind"))

        after = cast(list[str], d.pop("after"))

        needs_identity = d.pop("needs_identity")

        says = d.pop("says")

        max_turns = d.pop("max_turns")

        form_after = d.pop("form_after")

        changed = d.pop("changed")

        state_told = cls(
            name=name,
            kind=kind,
            after=after,
            needs_identity=needs_identity,
            says=says,
            max_turns=max_turns,
            form_after=form_after,
            changed=changed,
        )

        state_told.additional_properties = d
        return state_told

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
