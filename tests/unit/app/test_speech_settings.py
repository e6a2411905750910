"""``[speech]`` and ``[openai]``: who hears and speaks, and with which models."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.speech.openai.settings import OpenAiSpeech
from fhirserver.app.settings import InvalidSettings, parse_settings
from fhirserver.app.speech_settings import OPENAI_KINDS, SpeechSettings, speech_settings


def test_without_the_tables_nothing_leaves_the_house(tmp_path: Path) -> None:
    read = parse_settings({}, tmp_path).speech
    assert read == SpeechSettings(("local",))
    assert not read.asks_openai


def test_the_order_of_providers_and_the_models_are_settings(tmp_path: Path) -> None:
    (tmp_path / "openai.key").write_text("a-key\n")
    document = {
        "speech": {"providers": ["openai", "local"]},
        "openai": {
            "key_file": "openai.key",
            "hear_model": "hears",
            "speak_model": "speaks",
            "file_model": "reads",
            "voice": "cedar",
            "finish_seconds": 2,
            "url": "https://eu.api.openai.com/v1",
        },
    }
    read = parse_settings(document, tmp_path).speech
    assert read.providers == ("openai", "local")
    made = read.openai()
    assert (made.key, made.hear_model, made.speak_model, made.file_model) == (
        "a-key",
        "hears",
        "speaks",
        "reads",
    )
    assert (made.voice, made.finish_seconds, made.gap_seconds) == ("cedar", 2.0, OpenAiSpeech("").gap_seconds)
    assert "a-key" not in repr(read)


def test_every_setting_of_openai_is_one_of_the_room() -> None:
    fields = {one.name for one in dataclasses.fields(OpenAiSpeech)} - {"key"}
    assert set(OPENAI_KINDS) - {"key_file"} == fields


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-outside")
    assert speech_settings({"providers": ["openai"]}, {}, Path()).openai().key == "from-outside"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"speech": {"providers": []}}, "providers are of local, openai, written, at least one"),
        ({"speech": {"providers": ["local", "local"]}}, "each once"),
        ({"speech": {"providers": ["azure"]}}, r"\[speech\] providers are of"),
        ({"speech": {"providers": "openai"}}, "providers is a list of texts"),
        ({"speech": {"provider": ["local"]}}, "unknown setting 'provider'"),
        ({"speech": {"providers": ["openai"]}}, "key_file, or set OPENAI_API_KEY"),
        (
            {"speech": {"providers": ["openai"]}, "openai": {"key_file": "none"}},
            "key_file .*none: No such file",
        ),
        ({"openai": {"finish_seconds": 0}}, r"\[openai\] finish_seconds is more than 0"),
        ({"openai": {"hear_model": ""}}, r"\[openai\] hear_model is not empty"),
        ({"openai": {"url": "api.openai.com"}}, r"\[openai\] url begins with http"),
        ({"openai": {"websocket_url": "https://x"}}, r"\[openai\] websocket_url begins with ws"),
        ({"openai": {"key": "secret"}}, "key is a secret.* name that by key_file"),
    ],
)
def test_wrong_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], words: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidSettings, match=words):
        parse_settings(document, tmp_path)


def test_reading_settings_imports_no_sdk() -> None:
    program = "import sys; from fhirserver.app.settings import parse_settings; from pathlib import Path;"
    program += "parse_settings({}, Path()); print('openai' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"
