"""``credence doctor`` about the language model, and the settings that ask one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhirserver.app.commands import doctor
from fhirserver.app.settings import InvalidSettings, parse_settings
from tests.openai_server import OpenAiServer


def configuration(folder: Path, url: str) -> Path:
    (folder / "key").write_text("a-key\n")
    path = folder / "credence.toml"
    path.write_text(
        f'[storage]\nkind = "memory"\n[verification]\nagreement = "both"\nmodel_url = "{url}"\n'
        'model_key_file = "key"\nmodel_retries = 0\n'
    )
    return path


def test_the_doctor_warns_of_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with OpenAiServer() as server:
        config = ["--config", str(configuration(tmp_path, server.url))]
        server.models({"gpt-6-luna": {"shutdown_date": "2199-01-01"}})
        assert doctor.run(config) == 0
        assert "it will be shut down on 2199-01-01" in capsys.readouterr().out
        server.models({})
        assert doctor.run(config) == 1
    said = capsys.readouterr().out
    assert "does not answer (NotFoundError)" in said
    assert "a-key" not in said


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"agreement": "maybe"}, "agreement is one of rules, doubtful, both"),
        ({"agreement": "both"}, "name a model_key_file, or set OPENAI_API_KEY"),
        ({"agreement": "both", "model_key_file": "none"}, "model_key_file"),
        ({"model_retries": -1}, "model_retries is 0 or more"),
        ({"payers": "none.toml"}, "payers none.toml"),
        ({"model_timeout_seconds": "soon"}, "model_timeout_seconds is a number"),
    ],
)
def test_wrong_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, object], words: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidSettings, match="verification") as caught:
        parse_settings({"verification": table}, tmp_path)
    assert words in str(caught.value)


def test_payers_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "payers.toml").write_text('[[payer]]\nname = "Sunrise"\n')
    read = parse_settings({"verification": {"payers": "payers.toml"}}, tmp_path).verification
    assert read.directory is not None
    assert [payer.name for payer in read.directory.payers] == ["Sunrise"]
