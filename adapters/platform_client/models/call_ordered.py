from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="CallOrdered")


@_attrs_define
class CallOrdered:
    """What became of it so far. `repeated`: the same was ordered before, and nothing was done now.

    Attributes:
        id (str):
        communication (Link | None):
        call (str):
        status (str):
        why (str | Unset):  Default: ''.
        repeated (bool | Unset):  Default: False.
    """

    id: str
    communication: Link | None
    call: str
    status: str
    why: str | Unset = ""
    repeated: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        communication: dict[str, Any] | None
        if isinstance(self.communication, Link):
            communication = self.communication.to_dict()
        else:
            communication = self.communication

        call = self.call

        status = self.status

        why = self.why

        repeated = self.repeated

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "communication": communication,
                "call": call,
                "status": status,
            }
        )
        if why is not UNSET:
            field_dict["why"] = why
        if repeated is not UNSET:
            field_dict["repeated"] = repeated

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_communication(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                communication_type_0 = Link.from_dict(data)

                return communication_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        communication = _parse_communication(d.pop("communication"))

        call = d.pop("call")

        status = d.pop("status")

        why = d.pop("why", UNSET)

        repeated = d.pop("repeated", UNSET)

        call_ordered = cls(
            id=id,
            communication=communication,
            call=call,
            status=status,
            why=why,
            repeated=repeated,
        )

        call_ordered.additional_properties = d
        return call_ordered

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
