"""The settings of ``[speech]`` and ``[openai]``: who hears and speaks, in which order, and with which models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fhirserver.app.secret_files import secret_in
from fhirserver.app.setting_kinds import kinds

if TYPE_CHECKING:
    from agent.speech.openai.settings import OpenAiSpeech

KEY_VARIABLE = "OPENAI_API_KEY"
LOCAL, OPENAI, WRITTEN = "local", "openai", "written"
PROVIDERS = (LOCAL, OPENAI, WRITTEN)
"""``written`` is for drills: words in the place of sound (:mod:`agent.voice.written_sound`)."""
OPENAI_KINDS = kinds(
    "key_file url websocket_url hear_model speak_model file_model voice reasoning language",
    numbers="connect_seconds finish_seconds first_sound_seconds gap_seconds file_seconds",
)
SPEECH_TABLES = {"speech": kinds(texts="providers"), "openai": OPENAI_KINDS}
_MAY_BE_EMPTY = frozenset(("key_file", "websocket_url", "reasoning"))
_SCHEMES = {"url": ("http://", "https://"), "websocket_url": ("ws://", "wss://")}


class InvalidSpeech(ValueError):
    """A table is wrong; the message names it, the setting and what to do."""


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """``providers`` in the order they are asked. ``given``: the settings of ``[openai]`` that are not the default."""

    providers: tuple[str, ...] = (LOCAL,)
    key_file: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asks_openai(self) -> bool:
        return OPENAI in self.providers

    @property
    def is_written(self) -> bool:
        return WRITTEN in self.providers

    def key(self) -> str:
        """The key: from its file, else from the environment; empty where there is none. Raises OSError."""
        if self.key_file:
            return secret_in(Path(self.key_file))
        return os.environ.get(KEY_VARIABLE, "")

    def openai(self) -> OpenAiSpeech:
        """How OpenAI is reached. Imports its SDK."""
        from agent.speech.openai.settings import OpenAiSpeech

        return OpenAiSpeech(self.key(), **self.given)


def speech_settings(speech: Mapping[str, Any], openai: Mapping[str, Any], folder: Path) -> SpeechSettings:
    """Read both tables, whose settings are of the right kinds. Raises :class:`InvalidSpeech`."""
    read = SpeechSettings(
        _providers(speech.get("providers", [LOCAL])),
        str(folder / openai["key_file"]) if openai.get("key_file") else "",
        {name: _checked(name, value) for name, value in openai.items() if name != "key_file"},
    )
    _check_key(read)
    return read


def _providers(names: list[str]) -> tuple[str, ...]:
    if not names or set(names) - set(PROVIDERS) or len(set(names)) < len(names):
        raise InvalidSpeech(f"[speech] providers are of {', '.join(PROVIDERS)}, at least one, each once")
    if WRITTEN in names and len(names) > 1:
        raise InvalidSpeech(f"[speech] providers has {WRITTEN}, which goes with no other")
    return tuple(names)


def _checked(name: str, value: Any) -> Any:
    if name.endswith("_seconds"):
        if value <= 0:
            raise InvalidSpeech(f"[openai] {name} is more than 0")
        return float(value)
    if not value and name not in _MAY_BE_EMPTY:
        raise InvalidSpeech(f"[openai] {name} is not empty")
    if value and name in _SCHEMES and not value.startswith(_SCHEMES[name]):
        raise InvalidSpeech(f"[openai] {name} begins with {' or '.join(_SCHEMES[name])}")
    return value


def _check_key(read: SpeechSettings) -> None:
    """A provider that is asked needs a key."""
    try:
        missing = read.asks_openai and not read.key()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not a text"
        raise InvalidSpeech(f"[openai] key_file {read.key_file}: {problem}") from None
    if missing:
        raise InvalidSpeech(
            f"[speech] providers names openai: name a [openai] key_file, or set {KEY_VARIABLE}"
        )
