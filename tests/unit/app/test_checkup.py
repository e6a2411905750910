"""What ``credence doctor`` looks at, and what it says to do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from fhirserver.app.checkup import machine
from fhirserver.app.checkup.finding import Grade
from fhirserver.app.checkup.models import model, models
from fhirserver.app.checkup.telephone import telephone
from fhirserver.app.commands import doctor
from tests.openai_server import OpenAiServer

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = NOW.date()
SID = "AC" + "0" * 32


@pytest.mark.parametrize(
    ("end", "grade", "words"),
    [
        (None, Grade.GOOD, "answers"),
        (date(2027, 6, 1), Grade.GOOD, "185 days left"),
        (date(2027, 1, 20), Grade.WARNING, "53 days left"),
        (TODAY, Grade.WARNING, "0 days left"),
        (date(2026, 11, 27), Grade.ERROR, "was to be shut down on 2026-11-27"),
    ],
)
def test_the_days_a_model_has_left(end: date | None, grade: Grade, words: str) -> None:
    found = model("[openai] speak_model", "speaks", {"speaks": end}, TODAY)
    assert (found.grade, words in found.words) == (grade, True)
    assert (found.todo == "") == (grade is Grade.GOOD)


def test_a_model_that_is_not_there() -> None:
    found = model("[openai] speak_model", "speaks", {"other": None}, TODAY)
    assert (found.grade, found.todo) == (Grade.ERROR, "choose another for [openai] speak_model")


async def test_a_wrong_key_and_a_wrong_clock() -> None:
    def client(url: str) -> AsyncOpenAI:
        return AsyncOpenAI(api_key="a-key", base_url=url, max_retries=0, timeout=5)

    with OpenAiServer() as server:
        right = await models(client(server.url), {"x": "gpt-6-luna"}, datetime.now(UTC))
        late = await models(
            client(server.url), {"x": "gpt-6-luna"}, datetime.now(UTC) - timedelta(minutes=10)
        )
        url = server.url
    assert [found.grade for found in right] == [Grade.GOOD]
    assert [(found.subject, found.grade) for found in late[1:]] == [("clock", Grade.ERROR)]
    gone = await models(client(url), {"x": "gpt-6-luna"}, NOW)
    assert (gone[0].grade, gone[0].words) == (Grade.ERROR, "do not answer (APIConnectionError)")


@pytest.mark.parametrize(
    ("token", "url", "sid", "number", "errors", "words"),
    [
        ("t", "https://voice.example", SID, "+14125550142", 0, ""),
        ("", "https://voice.example", SID, "+14125550142", 1, "twilio token"),
        ("t", "http://voice.example", SID, "+14125550142", 1, "public url"),
        ("t", "", SID, "+14125550142", 1, "public url"),
        ("t", "voice.example", SID, "+14125550142", 1, "public url"),
        ("t", "https://voice.example", "AC1", "+14125550142", 1, "twilio account"),
        ("t", "https://voice.example", SID, "412 555 0142", 1, "twilio number"),
    ],
)
def test_what_twilio_needs(token: str, url: str, sid: str, number: str, errors: int, words: str) -> None:
    wrong = [found for found in telephone(token, url, sid, number) if found.grade is Grade.ERROR]
    assert [found.subject for found in wrong] == [words] * errors
    assert all(found.todo for found in wrong)


def test_calls_out_need_more_than_calls_in() -> None:
    found = list(telephone("t", "https://voice.example"))
    assert [one.grade for one in found] == [Grade.GOOD, Grade.GOOD, Grade.WARNING]


def test_local_speech_that_is_not_installed() -> None:
    def here(module: str) -> bool:
        return module != "espeakng_loader"

    assert machine.local_speech(True, here).grade is Grade.ERROR
    assert "credence[espeak]" in machine.local_speech(True, here).todo
    assert machine.local_speech(False, here).grade is Grade.GOOD
    assert machine.local_speech(True, lambda _: True).grade is Grade.GOOD
    grades = {found.subject: found.grade for found in machine.extras(frozenset(("voice", "espeak")), here)}
    assert grades == {"extra voice": Grade.GOOD, "extra espeak": Grade.WARNING, "extra speaker": Grade.GOOD}


def test_an_old_python_and_a_clock_of_the_past() -> None:
    assert machine.python((3, 10, 2)).grade is Grade.ERROR
    assert machine.python((3, 14, 0)).grade is Grade.GOOD
    assert machine.clock_and_log(NOW, "").grade is Grade.GOOD
    assert machine.clock_and_log(NOW, "2026-11-28T11:59:59Z").grade is Grade.GOOD
    assert machine.clock_and_log(NOW, "2026-11-28T13:00:00Z").grade is Grade.ERROR
    assert machine.clock_and_other(NOW, NOW + timedelta(seconds=2), "x") is None


def configured(folder: Path, url: str) -> list[str]:
    (folder / "key").write_text("a-secret-key\n")
    path = folder / "credence.toml"
    path.write_text(
        '[storage]\nkind = "memory"\n[speech]\nproviders = ["openai"]\n'
        f'[openai]\nurl = "{url}"\nkey_file = "key"\n'
    )
    return ["--config", str(path)]


def test_the_table_and_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = {"gpt-live-transcribe": {}, "gpt-transcribe": {}}
    soon = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    with OpenAiServer() as server:
        config = configured(tmp_path, server.url)
        server.models({**known, "gpt-realtime-2.1": {"shutdown_date": soon}})
        assert doctor.run(config) == 0
        warned = capsys.readouterr().out
        server.models(known)
        assert doctor.run(config) == 1
        failed = capsys.readouterr().out
    line = next(line for line in warned.splitlines() if "gpt-realtime-2.1" in line)
    assert line.startswith("!")
    assert "days left" in line
    assert line.rstrip().endswith("choose another for [openai] speak_model")
    assert next(line for line in failed.splitlines() if "gpt-realtime-2.1" in line).startswith("✗")
    assert "a-secret-key" not in warned + failed


def test_the_model_that_leads_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soon = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    (tmp_path / "key").write_text("a-secret-key\n")
    path = tmp_path / "credence.toml"
    with OpenAiServer() as server:
        told = f'[storage]\nkind = "memory"\n[llm]\nmodel = "leads"\nbase_url = "{server.url}"\nkey_file = "key"\n'
        for enabled in ("", "enabled = true\n"):
            path.write_text(told + enabled)
            server.models({"leads": {"shutdown_date": soon}})
            assert doctor.run(["--config", str(path)]) == 0
            warned = capsys.readouterr().out
            server.models({"gpt-6-luna": {}})
            assert doctor.run(["--config", str(path)]) == 1
            failed = capsys.readouterr().out
            line = next(line for line in warned.splitlines() if "model leads" in line)
            assert line.startswith("!") and "days left" in line
            assert line.rstrip().endswith("choose another for [llm] model")
            assert next(line for line in failed.splitlines() if "model leads" in line).startswith("✗")
            assert "a-secret-key" not in warned + failed
    assert doctor.run(["--config", str(path)]) == 1
    assert "check [llm] base_url and the key" in capsys.readouterr().out
    path.write_text(told)
    (tmp_path / "key").unlink()
    assert doctor.run(["--config", str(path)]) == 1
    assert "key_file cannot be read: No such file" in capsys.readouterr().out


def test_without_keys_nobody_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with OpenAiServer() as server:
        path = tmp_path / "credence.toml"
        path.write_text(
            f'[storage]\nkind = "memory"\n[openai]\nurl = "{server.url}"\n[llm]\nbase_url = "{server.url}"\n'
        )
        server.models({})
        assert doctor.run(["--config", str(path)]) == 0
    assert "gpt-" not in capsys.readouterr().out


def test_a_storage_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "credence.toml"
    path.write_text('[storage]\nkind = "sqlite"\npath = "file/credence.db"\n')
    assert doctor.run(["--config", str(path)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if " storage " in line)
    assert "cannot be opened" in line
    assert "check [storage] path" in line
