from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.webhook_told_status import check_webhook_told_status
from ..models.webhook_told_status import WebhookToldStatus
from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="WebhookTold")


@_attrs_define
class WebhookTold:
    """A webhook. `reason` says why it is `disabled`; `failures` attempts in a row have failed since `failing_since`.
    `place` is the id behind the last event that was taken; `overlap` the end of the secret before.

        Attributes:
            id (str):
            url (str):
            types (list[str]):
            resources (list[str]):
            condition (str):
            description (str):
            status (WebhookToldStatus):
            created (datetime.datetime):
            by (str):
            place (str):
            delivered (int):
            failures (int):
            reason (str | Unset):  Default: ''.
            overlap (datetime.datetime | None | Unset):
            last_delivered (datetime.datetime | None | Unset):
            failing_since (datetime.datetime | None | Unset):
    """

    id: str
    url: str
    types: list[str]
    resources: list[str]
    condition: str
    description: str
    status: WebhookToldStatus
    created: datetime.datetime
    by: str
    place: str
    delivered: int
    failures: int
    reason: str | Unset = ""
    overlap: datetime.datetime | None | Unset = UNSET
    last_delivered: datetime.datetime | None | Unset = UNSET
    failing_since: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        url = self.url

        types = self.types

        resources = self.resources

        condition = self.condition

        description = self.description

        status: str = self.status

        created = self.created.isoformat()

        by = self.by

        place = self.place

        delivered = self.delivered

        failures = self.failures

        reason = self.reason

        overlap: None | str | Unset
        if isinstance(self.overlap, Unset):
            overlap = UNSET
        elif isinstance(self.overlap, datetime.datetime):
            overlap = self.overlap.isoformat()
        else:
            overlap = self.overlap

        last_delivered: None | str | Unset
        if isinstance(self.last_delivered, Unset):
            last_delivered = UNSET
        elif isinstance(self.last_delivered, datetime.datetime):
            last_delivered = self.last_delivered.isoformat()
        else:
            last_delivered = self.last_delivered

        failing_since: None | str | Unset
        if isinstance(self.failing_since, Unset):
            failing_since = UNSET
        elif isinstance(self.failing_since, datetime.datetime):
            failing_since = self.failing_since.isoformat()
        else:
            failing_since = self.failing_since

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "url": url,
                "types": types,
                "resources": resources,
                "condition": condition,
                "description": description,
                "status": status,
                "created": created,
                "by": by,
                "place": place,
                "delivered": delivered,
                "failures": failures,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason
        if overlap is not UNSET:
            field_dict["overlap"] = overlap
        if last_delivered is not UNSET:
            field_dict["last_delivered"] = last_delivered
        if failing_since is not UNSET:
            field_dict["failing_since"] = failing_since

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        url = d.pop("url")

        types = cast(list[str], d.pop("types"))

        resources = cast(list[str], d.pop("resources"))

        condition = d.pop("condition")

        description = d.pop("description")

        status = check_webhook_told_status(d.pop("status"))

        created = datetime.datetime.fromisoformat(d.pop("created"))

        by = d.pop("by")

        place = d.pop("place")

        delivered = d.pop("delivered")

        failures = d.pop("failures")

        reason = d.pop("reason", UNSET)

        def _parse_overlap(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                overlap_type_0 = datetime.datetime.fromisoformat(data)

                return overlap_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        overlap = _parse_overlap(d.pop("overlap", UNSET))

        def _parse_last_delivered(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_delivered_type_0 = datetime.datetime.fromisoformat(data)

                return last_delivered_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_delivered = _parse_last_delivered(d.pop("last_delivered", UNSET))

        def _parse_failing_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                failing_since_type_0 = datetime.datetime.fromisoformat(data)

                return failing_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        failing_since = _parse_failing_since(d.pop("failing_since", UNSET))

        webhook_told = cls(
            id=id,
            url=url,
            types=types,
            resources=resources,
            condition=condition,
            description=description,
            status=status,
            created=created,
            by=by,
            place=place,
            delivered=delivered,
            failures=failures,
            reason=reason,
            overlap=overlap,
            last_delivered=last_delivered,
            failing_since=failing_since,
        )

        webhook_told.additional_properties = d
        return webhook_told

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
