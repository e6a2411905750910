from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.call_detail_channel_type_0 import CallDetailChannelType0
from ..models.call_detail_channel_type_0 import check_call_detail_channel_type_0
from ..models.call_detail_direction import CallDetailDirection
from ..models.call_detail_direction import check_call_detail_direction
from ..models.call_detail_status import CallDetailStatus
from ..models.call_detail_status import check_call_detail_status
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="CallDetail")


@_attrs_define
class CallDetail:
    """What belongs to it. `quality` is a MeasureReport, `emotion` the Observations of the caller's voice, `recording`
    a Media, whose sound is at `sound`; `escalations` are the Tasks that ask for a person.

        Attributes:
            id (str):
            direction (CallDetailDirection):
            status (CallDetailStatus):
            communication (Link): A FHIR resource: what it says is read there, never here.
            channel (CallDetailChannelType0 | None | Unset):
            why (str | Unset):  Default: ''.
            started (datetime.datetime | None | Unset):
            ended (datetime.datetime | None | Unset):
            patient (Link | None | Unset):
            live (str | Unset):  Default: ''.
            transcript (Link | None | Unset):
            summary (Link | None | Unset):
            composition (Link | None | Unset):
            quality (Link | None | Unset):
            recording (Link | None | Unset):
            sound (str | Unset):  Default: ''.
            emotion (list[Link] | Unset):
            escalations (list[Link] | Unset):
    """

    id: str
    direction: CallDetailDirection
    status: CallDetailStatus
    communication: Link
    channel: CallDetailChannelType0 | None | Unset = UNSET
    why: str | Unset = ""
    started: datetime.datetime | None | Unset = UNSET
    ended: datetime.datetime | None | Unset = UNSET
    patient: Link | None | Unset = UNSET
    live: str | Unset = ""
    transcript: Link | None | Unset = UNSET
    summary: Link | None | Unset = UNSET
    composition: Link | None | Unset = UNSET
    quality: Link | None | Unset = UNSET
    recording: Link | None | Unset = UNSET
    sound: str | Unset = ""
    emotion: list[Link] | Unset = UNSET
    escalations: list[Link] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        direction: str = self.direction

        status: str = self.status

        communication = self.communication.to_dict()

        channel: None | str | Unset
        if isinstance(self.channel, Unset):
            channel = UNSET
        elif isinstance(self.channel, str):
            channel = self.channel
        else:
            channel = self.channel

        why = self.why

        started: None | str | Unset
        if isinstance(self.started, Unset):
            started = UNSET
        elif isinstance(self.started, datetime.datetime):
            started = self.started.isoformat()
        else:
            started = self.started

        ended: None | str | Unset
        if isinstance(self.ended, Unset):
            ended = UNSET
        elif isinstance(self.ended, datetime.datetime):
            ended = self.ended.isoformat()
        else:
            ended = self.ended

        patient: dict[str, Any] | None | Unset
        if isinstance(self.patient, Unset):
            patient = UNSET
        elif isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        live = self.live

        transcript: dict[str, Any] | None | Unset
        if isinstance(self.transcript, Unset):
            transcript = UNSET
        elif isinstance(self.transcript, Link):
            transcript = self.transcript.to_dict()
        else:
            transcript = self.transcript

        summary: dict[str, Any] | None | Unset
        if isinstance(self.summary, Unset):
            summary = UNSET
        elif isinstance(self.summary, Link):
            summary = self.summary.to_dict()
        else:
            summary = self.summary

        composition: dict[str, Any] | None | Unset
        if isinstance(self.composition, Unset):
            composition = UNSET
        elif isinstance(self.composition, Link):
            composition = self.composition.to_dict()
        else:
            composition = self.composition

        quality: dict[str, Any] | None | Unset
        if isinstance(self.quality, Unset):
            quality = UNSET
        elif isinstance(self.quality, Link):
            quality = self.quality.to_dict()
        else:
            quality = self.quality

        recording: dict[str, Any] | None | Unset
        if isinstance(self.recording, Unset):
            recording = UNSET
        elif isinstance(self.recording, Link):
            recording = self.recording.to_dict()
        else:
            recording = self.recording

        sound = self.sound

        emotion: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.emotion, Unset):
            emotion = []
            for emotion_item_data in self.emotion:
                emotion_item = emotion_item_data.to_dict()
                emotion.append(emotion_item)

        escalations: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.escalations, Unset):
            escalations = []
            for escalations_item_data in self.escalations:
                escalations_item = escalations_item_data.to_dict()
                escalations.append(escalations_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "direction": direction,
                "status": status,
                "communication": communication,
            }
        )
        if channel is not UNSET:
            field_dict["channel"] = channel
        if why is not UNSET:
            field_dict["why"] = why
        if started is not UNSET:
            field_dict["started"] = started
        if ended is not UNSET:
            field_dict["ended"] = ended
        if patient is not UNSET:
            field_dict["patient"] = patient
        if live is not UNSET:
            field_dict["live"] = live
        if transcript is not UNSET:
            field_dict["transcript"] = transcript
        if summary is not UNSET:
            field_dict["summary"] = summary
        if composition is not UNSET:
            field_dict["composition"] = composition
        if quality is not UNSET:
            field_dict["quality"] = quality
        if recording is not UNSET:
            field_dict["recording"] = recording
        if sound is not UNSET:
            field_dict["sound"] = sound
        if emotion is not UNSET:
            field_dict["emotion"] = emotion
        if escalations is not UNSET:
            field_dict["escalations"] = escalations

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        direction = check_call_detail_direction(d.pop("direction"))

        status = check_call_detail_status(d.pop("status"))

        communication = Link.from_dict(d.pop("communication"))

        def _parse_channel(data: object) -> CallDetailChannelType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                channel_type_0 = check_call_detail_channel_type_0(data)

                return channel_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CallDetailChannelType0 | None | Unset, data)

        channel = _parse_channel(d.pop("channel", UNSET))

        why = d.pop("why", UNSET)

        def _parse_started(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_type_0 = datetime.datetime.fromisoformat(data)

                return started_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        started = _parse_started(d.pop("started", UNSET))

        def _parse_ended(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_type_0 = datetime.datetime.fromisoformat(data)

                return ended_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        ended = _parse_ended(d.pop("ended", UNSET))

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

        live = d.pop("live", UNSET)

        def _parse_transcript(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                transcript_type_0 = Link.from_dict(data)

                return transcript_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        transcript = _parse_transcript(d.pop("transcript", UNSET))

        def _parse_summary(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                summary_type_0 = Link.from_dict(data)

                return summary_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        summary = _parse_summary(d.pop("summary", UNSET))

        def _parse_composition(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                composition_type_0 = Link.from_dict(data)

                return composition_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        composition = _parse_composition(d.pop("composition", UNSET))

        def _parse_quality(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                quality_type_0 = Link.from_dict(data)

                return quality_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        quality = _parse_quality(d.pop("quality", UNSET))

        def _parse_recording(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                recording_type_0 = Link.from_dict(data)

                return recording_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        recording = _parse_recording(d.pop("recording", UNSET))

        sound = d.pop("sound", UNSET)

        _emotion = d.pop("emotion", UNSET)
        emotion: list[Link] | Unset = UNSET
        if _emotion is not UNSET:
            emotion = []
            for emotion_item_data in _emotion:
                emotion_item = Link.from_dict(emotion_item_data)

                emotion.append(emotion_item)

        _escalations = d.pop("escalations", UNSET)
        escalations: list[Link] | Unset = UNSET
        if _escalations is not UNSET:
            escalations = []
            for escalations_item_data in _escalations:
                escalations_item = Link.from_dict(escalations_item_data)

                escalations.append(escalations_item)

        call_detail = cls(
            id=id,
            direction=direction,
            status=status,
            communication=communication,
            channel=channel,
            why=why,
            started=started,
            ended=ended,
            patient=patient,
            live=live,
            transcript=transcript,
            summary=summary,
            composition=composition,
            quality=quality,
            recording=recording,
            sound=sound,
            emotion=emotion,
            escalations=escalations,
        )

        call_detail.additional_properties = d
        return call_detail

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
