"""``credence audit``: what somebody did to the trail is found, at its place."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fhirserver.access.audit.recorder import Recorder
from fhirserver.app.cli import main
from tests.facade import facade, patient

BATCHES = 6
Told = Callable[..., tuple[int, str]]


async def work(folder: Path, patients: str = "p") -> None:
    """A server's work in several batches: a write and some reads in each."""
    async with facade(folder, "sqlite") as server:
        recorder = server.application._edge.context.audit
        assert isinstance(recorder, Recorder)
        for number in range(BATCHES):
            assert (await server.ehr.put(patient(f"{patients}{number}"))).status_code == 201
            assert (await server.ehr.get(f"Patient/{patients}{number}")).status_code == 200
            await recorder.flush()
    async with facade(folder, "sqlite"):
        """At its start it accounts for all that was committed before."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    asyncio.run(work(folder))
    (folder / "credence.toml").write_text('[storage]\npath = "credence.db"\n')
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy to do something to."""
    for file in kept.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.fixture
def audit(folder: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    def told(action: str, *arguments: str) -> tuple[int, str]:
        code = main(["audit", action, "--config", str(folder / "credence.toml"), *arguments])
        return code, capsys.readouterr().out

    return told


def change(folder: Path, sql: str, *arguments: object, file: str = "credence.db-audit") -> None:
    connection = sqlite3.connect(folder / file)
    with connection:
        assert connection.execute(sql, arguments).rowcount > 0
    connection.close()


def value(folder: Path, sql: str) -> bytes:
    connection = sqlite3.connect(folder / "credence.db-audit")
    found = connection.execute(sql).fetchone()[0]
    connection.close()
    assert isinstance(found, bytes)
    return found


def test_what_nobody_touched_is_whole(audit: Told) -> None:
    code, out = audit("verify")
    assert code == 0 and "BROKEN" not in out and out.endswith("\nwhole\n")


@pytest.mark.parametrize("column", ["data", "previous", "seal", "commits"])
def test_one_changed_byte_is_found_at_its_batch(folder: Path, audit: Told, column: str) -> None:
    whole = value(folder, f"SELECT {column} FROM batch WHERE number = 3")
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    change(folder, f"UPDATE batch SET {column} = ? WHERE number = 3", changed)
    code, out = audit("verify")
    first = next(line for line in out.splitlines() if line.startswith("BROKEN"))
    assert code == 1 and first.startswith("BROKEN batch 3: it was changed")
    assert out.endswith("NOT whole\n")


def test_a_batch_that_was_taken_out_is_missed(folder: Path, audit: Told) -> None:
    change(folder, "DELETE FROM batch WHERE number = 4")
    code, out = audit("verify")
    assert code == 1 and "BROKEN batch 5: the one before it is missing" in out
    assert "no entry speaks of it" in out, "and so is the commit that it spoke of"


def test_a_beginning_that_was_cut_off_is_missed(folder: Path, audit: Told) -> None:
    change(folder, "DELETE FROM batch WHERE number <= 2")
    code, out = audit("verify")
    assert code == 1 and "BROKEN batch 3: what was before it is gone, and nothing says why" in out


def test_an_end_that_was_cut_off_is_missed_by_who_noted_the_seal(folder: Path, audit: Told) -> None:
    _, out = audit("verify")
    number, seal = out.splitlines()[1].removeprefix("the last batch is ").split(", its seal ")
    assert audit("verify", "--seal", f"{number}:{seal}")[0] == 0
    change(folder, "DELETE FROM batch WHERE number >= 4")
    code, out = audit("verify", "--seal", f"{number}:{seal}")
    assert code == 1 and f"BROKEN batch {number}: it is not there any more" in out
    assert " 0 commits not yet accounted for" not in out


def test_a_log_that_was_cut_off_is_missed(folder: Path, audit: Told) -> None:
    change(folder, "DELETE FROM log WHERE position > 5", file="credence.db")
    code, out = audit("verify")
    assert code == 1 and "BROKEN the log ends at 5, and entries speak of commits up to" in out


def test_another_key_seals_nothing(folder: Path, audit: Told) -> None:
    (folder / "server.key").write_text("f" * 64)
    code, out = audit("verify")
    assert code == 1 and "BROKEN batch 1: it is sealed with another key than the server's" in out


def rotated(folder: Path, *more: str) -> None:
    (folder / "credence.toml").write_text('[storage]\npath = "credence.db"\n')
    assert main(["server-key", "rotate", "--config", str(folder / "credence.toml"), *more]) == 0


@pytest.mark.parametrize("hours", ["0", "24"])
def test_what_was_noted_before_the_key_was_changed_is_verified_still(
    folder: Path, audit: Told, capsys: pytest.CaptureFixture[str], hours: str
) -> None:
    before = audit("verify")[1]
    rotated(folder, "--grace-hours", hours)
    assert "The audit trail is sealed with it from batch " in capsys.readouterr().out
    assert audit("verify")[1].endswith("\nwhole\n")
    asyncio.run(work(folder, "q"))
    code, out = audit("verify")
    assert code == 0 and out.endswith("\nwhole\n"), out
    assert int(out.split()[0]) > int(before.split()[0]) + BATCHES
    rotated(folder, "--grace-hours", "0")
    assert (folder / "server.key.former").read_text() == ""
    assert audit("verify")[1].endswith("\nwhole\n")
    exported = [json.loads(line) for line in audit("export")[1].splitlines()]
    assert [one["subtype"][0]["code"] for one in exported].count("key-changed") == 2
    whole = value(folder, "SELECT data FROM batch WHERE number = 3")
    change(folder, "UPDATE batch SET data = ? WHERE number = 3", whole[:-1] + bytes([whole[-1] ^ 1]))
    code, out = audit("verify")
    assert code == 1 and "BROKEN batch 3: it was changed" in out


def test_a_server_that_runs_seals_with_the_changed_key_at_once(folder: Path, audit: Told) -> None:
    async def works() -> None:
        async with facade(folder, "sqlite") as server:
            recorder = server.application._edge.context.audit
            assert (await server.ehr.put(patient("p8"))).status_code == 201
            await recorder.flush()
            await asyncio.to_thread(rotated, folder)
            assert (await server.ehr.put(patient("p9"))).status_code == 201
            await recorder.flush()

    asyncio.run(works())
    code, out = audit("verify")
    assert code == 0 and out.endswith("\nwhole\n"), out


def test_audit_events_are_exported_one_a_line(folder: Path, audit: Told) -> None:
    code, out = audit("export", "--since", "2001-01-01")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and all(one["resourceType"] == "AuditEvent" for one in events)
    reads = [one for one in events if one.get("subtype", [{}])[0].get("code") == "read"]
    assert len(reads) == BATCHES
    assert audit("export", "--until", "2001-01-01") == (0, "")
    at = reads[2]["recorded"]
    after = [json.loads(line) for line in audit("export", "--since", at)[1].splitlines()]
    assert {one["id"] for one in after} == {one["id"] for one in events if one["recorded"] >= at}
    with pytest.raises(SystemExit):
        audit("export", "--since", "yesterday")


def test_what_is_old_is_taken_away_and_the_trail_says_so(folder: Path, audit: Told) -> None:
    assert audit("keep")[0] == 2, "no number of days is set"
    assert audit("keep", "--days", "30") == (0, "0 batches older than 30 days were taken away\n")


def test_there_is_nothing_to_verify_where_there_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "credence.toml").write_text('[storage]\npath = "none.db"\n')
    with pytest.raises(SystemExit) as ended:
        main(["audit", "verify", "--config", str(tmp_path / "credence.toml")])
    assert ended.value.code == 2
