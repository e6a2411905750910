from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.operator_kind import check_operator_kind
from ..models.operator_kind import OperatorKind
from ..models.operator_presence import check_operator_presence
from ..models.operator_presence import OperatorPresence
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="Operator")


@_attrs_define
class Operator:
    """One who may act on calls and reviews. `name` is what stands in provenance and audit; `kind` is `user` for one
    who signs in, `key`, or `principal` for one of the settings. `holds` are calls that they have taken over, `listens`
    those they listen to, both by live ids; `reviews` the review items that they have taken.

        Attributes:
            name (str):
            called (str):
            kind (OperatorKind):
            presence (OperatorPresence | Unset):  Default: 'away'.
            since (datetime.datetime | None | Unset):
            until (datetime.datetime | None | Unset):
            holds (list[str] | Unset):
            listens (list[str] | Unset):
            reviews (list[Link] | Unset):
    """

    name: str
    called: str
    kind: OperatorKind
    presence: OperatorPresence | Unset = "away"
    since: datetime.datetime | None | Unset = UNSET
    until: datetime.datetime | None | Unset = UNSET
    holds: list[str] | Unset = UNSET
    listens: list[str] | Unset = UNSET
    reviews: list[Link] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        name = self.name

        called = self.called

        kind: str = self.kind

        presence: str | Unset = UNSET
        if not isinstance(self.presence, Unset):
            presence = self.presence

        since: None | str | Unset
        if isinstance(self.since, Unset):
            since = UNSET
        elif isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        until: None | str | Unset
        if isinstance(self.until, Unset):
            until = UNSET
        elif isinstance(self.until, datetime.datetime):
            until = self.until.isoformat()
        else:
            until = self.until

        holds: list[str] | Unset = UNSET
        if not isinstance(self.holds, Unset):
            holds = self.holds

        listens: list[str] | Unset = UNSET
        if not isinstance(self.listens, Unset):
            listens = self.listens

        reviews: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.reviews, Unset):
            reviews = []
            for reviews_item_data in self.reviews:
                reviews_item = reviews_item_data.to_dict()
                reviews.append(reviews_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "called": called,
                "kind": kind,
            }
        )
        if presence is not UNSET:
            field_dict["presence"] = presence
        if since is not UNSET:
            field_dict["since"] = since
        if until is not UNSET:
            field_dict["until"] = until
        if holds is not UNSET:
            field_dict["holds"] = holds
        if listens is not UNSET:
            field_dict["listens"] = listens
        if reviews is not UNSET:
            field_dict["reviews"] = reviews

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        called = d.pop("called")

        kind = check_operator_kind(d.pop("kind"))

        _presence = d.pop("presence", UNSET)
        presence: OperatorPresence | Unset
        if isinstance(_presence, Unset):
            presence = UNSET
        else:
            presence = check_operator_presence(_presence)

        def _parse_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        since = _parse_since(d.pop("since", UNSET))

        def _parse_until(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                until_type_0 = datetime.datetime.fromisoformat(data)

                return until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        until = _parse_until(d.pop("until", UNSET))

        holds = cast(list[str], d.pop("holds", UNSET))

        listens = cast(list[str], d.pop("listens", UNSET))

        _reviews = d.pop("reviews", UNSET)
        reviews: list[Link] | Unset = UNSET
        if _reviews is not UNSET:
            reviews = []
            for reviews_item_data in _reviews:
                reviews_item = Link.from_dict(reviews_item_data)

                reviews.append(reviews_item)

        operator = cls(
            name=name,
            called=called,
            kind=kind,
            presence=presence,
            since=since,
            until=until,
            holds=holds,
            listens=listens,
            reviews=reviews,
        )

        operator.additional_properties = d
        return operator

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
