"""The settings of ``[verification]``: which judges there are and how they agree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fhirserver.app.secret_files import secret_in
from fhirserver.world.judge.agreement import MODES, RULES
from fhirserver.world.judge.directory import Directory, InvalidDirectory, parse_directory

KEY_VARIABLE = "OPENAI_API_KEY"
_SECONDS = ("transcript_patience_seconds", "model_timeout_seconds", "model_patience_seconds")
_COUNTS = ("model_retries", "model_daily_tokens")


class InvalidVerification(ValueError):
    """The table is wrong; the message names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class VerificationSettings:
    """See docs/settings.md. Seconds as numbers; ``directory`` None for the shipped payers."""

    transcript_patience: float = 600.0
    agreement: str = RULES
    directory: Directory | None = None
    model: str = "gpt-6-luna"
    model_url: str = "https://api.openai.com/v1"
    model_key_file: str = ""
    model_timeout: float = 20.0
    model_retries: int = 2
    model_patience: float = 900.0
    model_daily_tokens: int = 2_000_000

    def key(self) -> str:
        """The model's key: from its file, else from the environment; empty where there is none."""
        if self.model_key_file:
            return secret_in(Path(self.model_key_file))
        return os.environ.get(KEY_VARIABLE, "")


def parse_verification(table: Mapping[str, Any], folder: Path) -> VerificationSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`InvalidVerification`."""
    for name in (*_SECONDS, *_COUNTS):
        if table.get(name, 0) < 0:
            raise InvalidVerification(f"{name} is 0 or more")
    if table.get("agreement", RULES) not in MODES:
        raise InvalidVerification(f"agreement is one of {', '.join(MODES)}")
    standard = VerificationSettings()
    read = VerificationSettings(
        transcript_patience=float(table.get("transcript_patience_seconds", standard.transcript_patience)),
        agreement=table.get("agreement", RULES),
        directory=_directory(table.get("payers", ""), folder),
        model=table.get("model", standard.model),
        model_url=table.get("model_url", standard.model_url),
        model_key_file=str(folder / table["model_key_file"]) if table.get("model_key_file") else "",
        model_timeout=float(table.get("model_timeout_seconds", Decimal(standard.model_timeout))),
        model_retries=table.get("model_retries", standard.model_retries),
        model_patience=float(table.get("model_patience_seconds", standard.model_patience)),
        model_daily_tokens=table.get("model_daily_tokens", standard.model_daily_tokens),
    )
    _check_key(read)
    return read


def _check_key(read: VerificationSettings) -> None:
    """A model that is asked needs a key."""
    try:
        missing = read.agreement != RULES and not read.key()
    except OSError as error:
        raise InvalidVerification(f"model_key_file {read.model_key_file}: {error.strerror}") from None
    if missing:
        raise InvalidVerification(
            f"agreement '{read.agreement}' asks a language model: name a model_key_file, or set {KEY_VARIABLE}"
        )


def _directory(file: str, folder: Path) -> Directory | None:
    if not file:
        return None
    try:
        return parse_directory((folder / file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, InvalidDirectory) as error:
        raise InvalidVerification(f"payers {file}: {error}") from None
