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


T = TypeVar("T", bound="LiveState")


@_attrs_define
class LiveState:
    """How a live call is: `risk` is 0 to 100, `stage` that of an escalation, `holder` who has taken over.

    Attributes:
        id (str):
        started (datetime.datetime):
        state (str):
        risk (int):
        level (str):
        communication (Link | None | Unset):
        patient (Link | None | Unset):
        stage (str | Unset):  Default: ''.
        priority (str | Unset):  Default: ''.
        waiting (float | Unset):  Default: 0.0.
        holder (str | Unset):  Default: ''.
        listeners (list[str] | Unset):
        emotion (str | Unset):  Default: ''.
        ended (str | Unset):  Default: ''.
        hears (bool | Unset):  Default: False.
        speaks (bool | Unset):  Default: False.
    """

    id: str
    started: datetime.datetime
    state: str
    risk: int
    level: str
    communication: Link | None | Unset = UNSET
    patient: Link | None | Unset = UNSET
    stage: str | Unset = ""
    priority: str | Unset = ""
    waiting: float | Unset = 0.0
    holder: str | Unset = ""
    listeners: list[str] | Unset = UNSET
    emotion: str | Unset = ""
    ended: str | Unset = ""
    hears: bool | Unset = False
    speaks: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        started = self.started.isoformat()

        state = self.state

        risk = self.risk

        level = self.level

        communication: dict[str, Any] | None | Unset
        if isinstance(self.communication, Unset):
            communication = UNSET
        elif isinstance(self.communication, Link):
            communication = self.communication.to_dict()
        else:
            communication = self.communication

        patient: dict[str, Any] | None | Unset
        if isinstance(self.patient, Unset):
            patient = UNSET
        elif isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        stage = self.stage

        priority = self.priority

        waiting = self.waiting

        holder = self.holder

        listeners: list[str] | Unset = UNSET
        if not isinstance(self.listeners, Unset):
            listeners = self.listeners

        emotion = self.emotion

        ended = self.ended

        hears = self.hears

        speaks = self.speaks

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "started": started,
                "state": state,
                "risk": risk,
                "level": level,
            }
        )
        if communication is not UNSET:
            field_dict["communication"] = communication
        if patient is not UNSET:
            field_dict["patient"] = patient
        if stage is not UNSET:
            field_dict["stage"] = stage
        if priority is not UNSET:
            field_dict["priority"] = priority
        if waiting is not UNSET:
            field_dict["waiting"] = waiting
        if holder is not UNSET:
            field_dict["holder"] = holder
        if listeners is not UNSET:
            field_dict["listeners"] = listeners
        if emotion is not UNSET:
            field_dict["emotion"] = emotion
        if ended is not UNSET:
            field_dict["ended"] = ended
        if hears is not UNSET:
            field_dict["hears"] = hears
        if speaks is not UNSET:
            field_dict["speaks"] = speaks

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        started = datetime.datetime.fromisoformat(d.pop("started"))

        state = d.pop("state")

        risk = d.pop("risk")

        level = d.pop("level")

        def _parse_communication(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                communication_type_0 = Link.from_dict(data)

                return communication_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        communication = _parse_communication(d.pop("communication", UNSET))

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

        stage = d.pop("stage", UNSET)

        priority = d.pop("priority", UNSET)

        waiting = d.pop("waiting", UNSET)

        holder = d.pop("holder", UNSET)

        listeners = cast(list[str], d.pop("listeners", UNSET))

        emotion = d.pop("emotion", UNSET)

        ended = d.pop("ended", UNSET)

        hears = d.pop("hears", UNSET)

        speaks = d.pop("speaks", UNSET)

        live_state = cls(
            id=id,
            started=started,
            state=state,
            risk=risk,
            level=level,
            communication=communication,
            patient=patient,
            stage=stage,
            priority=priority,
            waiting=waiting,
            holder=holder,
            listeners=listeners,
            emotion=emotion,
            ended=ended,
            hears=hears,
            speaks=speaks,
        )

        live_state.additional_properties = d
        return live_state

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
