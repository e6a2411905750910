from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.measured import Measured


T = TypeVar("T", bound="ConversationFigures")


@_attrs_define
class ConversationFigures:
    """Figures of the conversations of one `group` (empty: all). `reached` took place; `contained` of these ended
    without a person, and `containment` is their share; `verification` is the share that was verified of what was
    judged. `duration`, `first_word` and `reply_p95` are in seconds, `score` is 0 to 100, `valence` -1 to 1, `trend` how
    that changed from the first third of a conversation to the last.

        Attributes:
            group (str):
            conversations (int):
            reached (int):
            failed (int):
            under_way (int):
            contained (int):
            containment (float | None):
            escalated (int):
            booked (int):
            rescheduled (int):
            cancelled (int):
            confirmed (int):
            captured (int):
            verified (int):
            doubtful (int):
            approved (int):
            rejected (int):
            corrected (int):
            verification (float | None):
            duration (Measured | None):
            first_word (Measured | None):
            reply_p95 (Measured | None):
            score (Measured | None):
            valence (Measured | None):
            trend (Measured | None):
    """

    group: str
    conversations: int
    reached: int
    failed: int
    under_way: int
    contained: int
    containment: float | None
    escalated: int
    booked: int
    rescheduled: int
    cancelled: int
    confirmed: int
    captured: int
    verified: int
    doubtful: int
    approved: int
    rejected: int
    corrected: int
    verification: float | None
    duration: Measured | None
    first_word: Measured | None
    reply_p95: Measured | None
    score: Measured | None
    valence: Measured | None
    trend: Measured | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.measured import Measured  # noqa: PLC0415

        group = self.group

        conversations = self.conversations

        reached = self.reached

        failed = self.failed

        under_way = self.under_way

        contained = self.contained

        containment: float | None
        containment = self.containment

        escalated = self.escalated

        booked = self.booked

        rescheduled = self.rescheduled

        cancelled = self.cancelled

        confirmed = self.confirmed

        captured = self.captured

        verified = self.verified

        doubtful = self.doubtful

        approved = self.approved

        rejected = self.rejected

        corrected = self.corrected

        verification: float | None
        verification = self.verification

        duration: dict[str, Any] | None
        if isinstance(self.duration, Measured):
            duration = self.duration.to_dict()
        else:
            duration = self.duration

        first_word: dict[str, Any] | None
        if isinstance(self.first_word, Measured):
            first_word = self.first_word.to_dict()
        else:
            first_word = self.first_word

        reply_p95: dict[str, Any] | None
        if isinstance(self.reply_p95, Measured):
            reply_p95 = self.reply_p95.to_dict()
        else:
            reply_p95 = self.reply_p95

        score: dict[str, Any] | None
        if isinstance(self.score, Measured):
            score = self.score.to_dict()
        else:
            score = self.score

        valence: dict[str, Any] | None
        if isinstance(self.valence, Measured):
            valence = self.valence.to_dict()
        else:
            valence = self.valence

        trend: dict[str, Any] | None
        if isinstance(self.trend, Measured):
            trend = self.trend.to_dict()
        else:
            trend = self.trend

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "group": group,
                "conversations": conversations,
                "reached": reached,
                "failed": failed,
                "under_way": under_way,
                "contained": contained,
                "containment": containment,
                "escalated": escalated,
                "booked": booked,
                "rescheduled": rescheduled,
                "cancelled": cancelled,
                "confirmed": confirmed,
                "captured": captured,
                "verified": verified,
                "doubtful": doubtful,
                "approved": approved,
                "rejected": rejected,
                "corrected": corrected,
                "verification": verification,
                "duration": duration,
                "first_word": first_word,
                "reply_p95": reply_p95,
                "score": score,
                "valence": valence,
                "trend": trend,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.measured import Measured  # noqa: PLC0415

        d = dict(src_dict)
        group = d.pop("group")

        conversations = d.pop("conversations")

        reached = d.pop("reached")

        failed = d.pop("failed")

        under_way = d.pop("under_way")

        contained = d.pop("contained")

        def _parse_containment(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        containment = _parse_containment(d.pop("containment"))

        escalated = d.pop("escalated")

        booked = d.pop("booked")

        rescheduled = d.pop("rescheduled")

        cancelled = d.pop("cancelled")

        confirmed = d.pop("confirmed")

        captured = d.pop("captured")

        verified = d.pop("verified")

        doubtful = d.pop("doubtful")

        approved = d.pop("approved")

        rejected = d.pop("rejected")

        corrected = d.pop("corrected")

        def _parse_verification(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        verification = _parse_verification(d.pop("verification"))

        def _parse_duration(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                duration_type_0 = Measured.from_dict(data)

                return duration_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        duration = _parse_duration(d.pop("duration"))

        def _parse_first_word(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                first_word_type_0 = Measured.from_dict(data)

                return first_word_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        first_word = _parse_first_word(d.pop("first_word"))

        def _parse_reply_p95(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reply_p95_type_0 = Measured.from_dict(data)

                return reply_p95_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        reply_p95 = _parse_reply_p95(d.pop("reply_p95"))

        def _parse_score(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                score_type_0 = Measured.from_dict(data)

                return score_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        score = _parse_score(d.pop("score"))

        def _parse_valence(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                valence_type_0 = Measured.from_dict(data)

                return valence_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        valence = _parse_valence(d.pop("valence"))

        def _parse_trend(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                trend_type_0 = Measured.from_dict(data)

                return trend_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        trend = _parse_trend(d.pop("trend"))

        conversation_figures = cls(
            group=group,
            conversations=conversations,
            reached=reached,
            failed=failed,
            under_way=under_way,
            contained=contained,
            containment=containment,
            escalated=escalated,
            booked=booked,
            rescheduled=rescheduled,
            cancelled=cancelled,
            confirmed=confirmed,
            captured=captured,
            verified=verified,
            doubtful=doubtful,
            approved=approved,
            rejected=rejected,
            corrected=corrected,
            verification=verification,
            duration=duration,
            first_word=first_word,
            reply_p95=reply_p95,
            score=score,
            valence=valence,
            trend=trend,
        )

        conversation_figures.additional_properties = d
        return conversation_figures

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
