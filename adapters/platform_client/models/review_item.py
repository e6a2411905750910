from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="ReviewItem")


@_attrs_define
class ReviewItem:
    """Something that waits for a reviewer. `kind` is `claims`, `duplicate` or another; `holder` who has it now.

    Attributes:
        id (str):
        task (Link): A FHIR resource: what it says is read there, never here.
        kind (str):
        status (str):
        priority (str):
        reasons (list[str]):
        units (list[str]):
        about (Link | None | Unset):
        patient (Link | None | Unset):
        conversation (Link | None | Unset):
        holder (str | Unset):  Default: ''.
        made (datetime.datetime | None | Unset):
        due (datetime.datetime | None | Unset):
    """

    id: str
    task: Link
    kind: str
    status: str
    priority: str
    reasons: list[str]
    units: list[str]
    about: Link | None | Unset = UNSET
    patient: Link | None | Unset = UNSET
    conversation: Link | None | Unset = UNSET
    holder: str | Unset = ""
    made: datetime.datetime | None | Unset = UNSET
    due: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        task = self.task.to_dict()

        kind = self.kind

        status = self.status

        priority = self.priority

        reasons = self.reasons

        units = self.units

        about: dict[str, Any] | None | Unset
        if isinstance(self.about, Unset):
            about = UNSET
        elif isinstance(self.about, Link):
            about = self.about.to_dict()
        else:
            about = self.about

        patient: dict[str, Any] | None | Unset
        if isinstance(self.patient, Unset):
            patient = UNSET
        elif isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        conversation: dict[str, Any] | None | Unset
        if isinstance(self.conversation, Unset):
            conversation = UNSET
        elif isinstance(self.conversation, Link):
            conversation = self.conversation.to_dict()
        else:
            conversation = self.conversation

        holder = self.holder

        made: None | str | Unset
        if isinstance(self.made, Unset):
            made = UNSET
        elif isinstance(self.made, datetime.datetime):
            made = self.made.isoformat()
        else:
            made = self.made

        due: None | str | Unset
        if isinstance(self.due, Unset):
            due = UNSET
        elif isinstance(self.due, datetime.datetime):
            due = self.due.isoformat()
        else:
            due = self.due

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "task": task,
                "kind": kind,
                "status": status,
                "priority": priority,
                "reasons": reasons,
                "units": units,
            }
        )
        if about is not UNSET:
            field_dict["about"] = about
        if patient is not UNSET:
            field_dict["patient"] = patient
        if conversation is not UNSET:
            field_dict["conversation"] = conversation
        if holder is not UNSET:
            field_dict["holder"] = holder
        if made is not UNSET:
            field_dict["made"] = made
        if due is not UNSET:
            field_dict["due"] = due

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        task = Link.from_dict(d.pop("task"))

        kind = d.pop("kind")

        status = d.pop("status")

        priority = d.pop("priority")

        reasons = cast(list[str], d.pop("reasons"))

        units = cast(list[str], d.pop("units"))

        def _parse_about(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                about_type_0 = Link.from_dict(data)

                return about_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        about = _parse_about(d.pop("about", UNSET))

        def _parse_patient(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                patient_type_0 = Link.from_dict(data)

                return patient_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        patient = _parse_patient(d.pop("patient", UNSET))

        def _parse_conversation(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                conversation_type_0 = Link.from_dict(data)

                return conversation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        conversation = _parse_conversation(d.pop("conversation", UNSET))

        holder = d.pop("holder", UNSET)

        def _parse_made(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                made_type_0 = datetime.datetime.fromisoformat(data)

                return made_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        made = _parse_made(d.pop("made", UNSET))

        def _parse_due(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                due_type_0 = datetime.datetime.fromisoformat(data)

                return due_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        due = _parse_due(d.pop("due", UNSET))

        review_item = cls(
            id=id,
            task=task,
            kind=kind,
            status=status,
            priority=priority,
            reasons=reasons,
            units=units,
            about=about,
            patient=patient,
            conversation=conversation,
            holder=holder,
            made=made,
            due=due,
        )

        review_item.additional_properties = d
        return review_item

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
