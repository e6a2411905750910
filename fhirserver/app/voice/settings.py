"""The settings of ``[voice]`` and ``[turns]``: the process that answers the telephone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhirserver.app.secret_files import secret_in
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, kinds

VOICE: SettingKinds = kinds(
    "host fhir_url token_file practice zone third_party recordings speaker_model",
    numbers="ring_seconds",
    wholes="port identity_attempts",
    yes_no="emotion infer_phone",
)
TURNS: SettingKinds = kinds(
    numbers="speech_after end_wait end_wait_complete end_wait_incomplete longest_turn goes_on_within pause_after "
    "resume_after barge_in_after back_channel_longest back_channel_worded words_wait answer_hold greeting_shield "
    "silence_after silence_growth silence_longest"
)
_THIRD_PARTY = ("known_phone", "person")


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """See docs/settings.md. ``fhir_url`` empty: the server of the same settings. ``token_file`` holds the agent's
    token; ``recordings`` is the folder for the sound of calls, None to keep none. ``speaker_model``: a checkpoint of
    pyannote.audio that tells voices apart; it is a pickle, so it must be one that is trusted."""

    host: str = "127.0.0.1"
    port: int = 8090
    fhir_url: str = ""
    token_file: Path | None = None
    practice: str = "the clinic"
    zone: str = "America/New_York"
    third_party: str = "known_phone"
    identity_attempts: int = 3
    infer_phone: bool = True
    recordings: Path | None = None
    ring_seconds: float = 0.8
    emotion: bool = True
    speaker_model: Path | None = None

    def token(self) -> str:
        """The agent's bearer token. Raises :class:`WrongSetting`."""
        if self.token_file is None:
            raise WrongSetting(
                "token_file", "token_file is needed: a file with the token of the agent's principal"
            )
        try:
            return secret_in(self.token_file)
        except (OSError, UnicodeDecodeError) as error:
            raise WrongSetting("token_file", f"token_file cannot be read: {type(error).__name__}") from None


def parse_voice(table: Mapping[str, Any], folder: Path) -> VoiceSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    standard = VoiceSettings()
    read = VoiceSettings(
        **{
            field.name: table.get(field.name, getattr(standard, field.name))
            for field in fields(VoiceSettings)
            if field.name not in ("token_file", "recordings", "speaker_model", "ring_seconds")
        },
        token_file=folder / table["token_file"] if table.get("token_file") else None,
        recordings=folder / table["recordings"] if table.get("recordings") else None,
        speaker_model=folder / table["speaker_model"] if table.get("speaker_model") else None,
        ring_seconds=float(table.get("ring_seconds", standard.ring_seconds)),
    )
    _one_of(read.third_party, "third_party", _THIRD_PARTY)
    _within(read.port, "port", 1, 65_535)
    _within(read.identity_attempts, "identity_attempts", 1, 10)
    _within(read.ring_seconds, "ring_seconds", 0, 10)
    try:
        ZoneInfo(read.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise WrongSetting("zone", "zone is an IANA time zone, such as America/New_York") from None
    return read


def parse_turns(table: Mapping[str, Any]) -> Mapping[str, float]:
    """Read the times of turn-taking. Raises :class:`WrongSetting`."""
    from agent.turns.rules import Rules

    given = {name: float(value) for name, value in table.items()}
    try:
        Rules(**given)
    except ValueError as error:
        raise WrongSetting(next(iter(table), ""), str(error)) from None
    return given


def _one_of(value: str, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise WrongSetting(name, f"{name} is one of {', '.join(allowed)}")


def _within(value: float, name: str, least: float, most: float) -> None:
    if not least <= value <= most:
        raise WrongSetting(name, f"{name} is a number from {least} to {most}")
