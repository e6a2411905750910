"""The settings of ``[llm]``: the language model that may lead a call, and what it may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fhirserver.app.secret_files import secret_in

if TYPE_CHECKING:
    from agent.llm.brain import LlmBrain
    from agent.llm.openai_model import OpenAiModel, Reach
    from agent.memory import Setting

KEY_VARIABLE = "OPENAI_API_KEY"
NO_KEY = f"a language model needs a key: name a key_file in [llm], or set {KEY_VARIABLE}"
EFFORTS = ("", "none", "minimal", "low", "medium", "high", "xhigh", "max")
_COUNTS = ("answer_tokens", "turn_tokens", "call_tokens", "failures")


class InvalidLlm(ValueError):
    """The table is wrong; the message names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """See docs/settings.md. Seconds as numbers."""

    enabled: bool = False
    model: str = "gpt-6-luna"
    base_url: str = "https://api.openai.com/v1"
    key_file: str = ""
    effort: str = "none"
    first_seconds: float = 2.5
    whole_seconds: float = 8.0
    answer_tokens: int = 400
    turn_tokens: int = 20_000
    call_tokens: int = 150_000
    failures: int = 3
    retries: int = 1

    def key(self) -> str:
        """The model's key: from its file, else from the environment; empty where there is none."""
        if self.key_file:
            return secret_in(Path(self.key_file))
        return os.environ.get(KEY_VARIABLE, "")

    def language_model(self) -> OpenAiModel:
        """What asks the model; it serves any number of calls, and is to be closed."""
        from agent.llm.openai_model import OpenAiModel

        return OpenAiModel(self.reach())

    def reach(self) -> Reach:
        """How the model is reached. Raises OSError where its key cannot be read."""
        from agent.llm.openai_model import Reach

        return Reach(self.key(), self.model, self.base_url, self.retries, self.effort)

    def brain(self, setting: Setting, now: datetime) -> LlmBrain:
        """A brain for one call that begins ``now``."""
        from agent.llm.asking import Limits
        from agent.llm.brain import LlmBrain
        from agent.llm.requests import Budget

        budget = Budget(self.first_seconds, self.whole_seconds, self.answer_tokens)
        limits = Limits(budget, self.failures, turn_tokens=self.turn_tokens, call_tokens=self.call_tokens)
        return LlmBrain(setting, now, limits)


def parse_llm(table: Mapping[str, Any], folder: Path) -> LlmSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`InvalidLlm`."""
    standard = LlmSettings()
    for name in _COUNTS:
        if table.get(name, 1) < 1:
            raise InvalidLlm(f"{name} is at least 1")
    if table.get("retries", 0) < 0:
        raise InvalidLlm("retries is 0 or more")
    if table.get("effort", "") not in EFFORTS:
        raise InvalidLlm(
            f"effort is one of {', '.join(e for e in EFFORTS if e)}, or empty to leave it to the model"
        )
    read = LlmSettings(
        **{k: v for k, v in table.items() if k not in ("key_file", "first_seconds", "whole_seconds")},
        key_file=str(folder / table["key_file"]) if table.get("key_file") else "",
        first_seconds=float(table.get("first_seconds", Decimal(standard.first_seconds))),
        whole_seconds=float(table.get("whole_seconds", Decimal(standard.whole_seconds))),
    )
    if not 0 < read.first_seconds <= read.whole_seconds:
        raise InvalidLlm("first_seconds is above 0 and not above whole_seconds")
    _check_key(read)
    return read


def _check_key(read: LlmSettings) -> None:
    """A model that leads calls needs a key."""
    try:
        missing = read.enabled and not read.key()
    except OSError as error:
        raise InvalidLlm(f"key_file {read.key_file}: {error.strerror}") from None
    if missing:
        raise InvalidLlm(NO_KEY)
