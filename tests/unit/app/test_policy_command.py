"""``credence policy``: check, explain, diff, report."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fhirserver.app.cli import main
from fhirserver.app.settings import InvalidSettings, load_settings
from fhirserver.app.wiring import make_store
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from subscriptions.policy_changes import PolicyChanges, record

SETTINGS = """
[storage]
path = "credence.db"
[policy]
file = "policy.toml"
[[source]]
id = "feed"
kind = "hl7v2"
base = 0.9
"""
BEFORE = '[[rule]]\nwriteback = 0.8\nreview = "always"\n'
AFTER = '[[rule]]\nwriteback = 0.95\nreview = "always"\n\n[[rule]]\ntype = "Coverage"\nceiling = { hl7v2 = 0.7 }\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "credence.toml").write_text(SETTINGS)
    (tmp_path / "policy.toml").write_text(BEFORE)
    (tmp_path / "after.toml").write_text(AFTER)
    return tmp_path / "credence.toml"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["policy", *map(str, arguments)])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_check(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path) -> None:
    assert run(capsys, "check", tmp_path / "after.toml")[:2] == (0, "2 rules, all well; digest b0ac8a17\n")
    (tmp_path / "wrong.toml").write_text('[[rule]]\ntype = "Patent"\nwriteback = 7\n')
    code, out, err = run(capsys, "check", tmp_path / "wrong.toml")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "line 2, rule 1: type 'Patent' is no resource type of R4 (did you mean 'Patient'?)",
        "line 3, rule 1: writeback is a number from 0 to 1",
    ]
    code, _, err = run(capsys, "check", tmp_path / "none.toml")
    assert code == 1 and "cannot be read: No such file" in err


def test_explain(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path) -> None:
    code, out, _ = run(capsys, "explain", "Coverage.status", "--file", tmp_path / "after.toml")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0 and lines == [
        "Coverage.status",
        "verification human no rule: what holds without one",
        "writeback 0.95 rule 1, line 1: *",
        "review always rule 1, line 1: *",
        "decay none no rule: what holds without one",
        "ceiling hl7v2: at most 0.7 rule 2, line 5: Coverage",
    ]
    assert "writeback 0.8" in " ".join(
        run(capsys, "explain", "Patient.deceased", "--config", config)[1].split()
    )
    code = "https://credence.health/fhir/CodeSystem/caller-voice|mood-timeline"
    (tmp_path / "mood.toml").write_text(
        f'[[rule]]\ntype = "Observation"\ncode = "{code}"\nreview = "never"\n'
    )
    told = run(capsys, "explain", "Observation", "--file", tmp_path / "mood.toml")[1]
    assert "review        doubtful" in told and f"codes with rules of their own: {code}" in told
    told = run(capsys, "explain", "Observation.note", "--code", code, "--file", tmp_path / "mood.toml")[1]
    assert told.startswith(f"Observation.note (code {code})\n") and "never" in told
    assert f"rule 1, line 1: Observation (code {code})" in told
    for what in ("Nothing", "Patient.nothing"):
        assert run(capsys, "explain", what, "--config", config)[0] == 2


def test_nothing_asked_says_what_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys)[0] == 2
    assert run(capsys, "--help")[0] == 0


def test_diff_tells_before_and_report_after(
    capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path
) -> None:
    assert "no policy is on record yet" in run(capsys, "report", "--config", config)[1]
    asyncio.run(fill(config))
    code, out, _ = run(capsys, "diff", tmp_path / "after.toml", "--config", config)
    assert code == 0
    assert out.splitlines()[:3] == [
        "* writeback: 0.8 -> 0.95",
        "Coverage ceiling: not stated -> hl7v2 0.7",
        "resources: 2; claims lowered: 1, raised: 0; gates passed now: 0, failed: 2",
    ]
    assert [line.split() for line in out.splitlines()[3:]] == [
        ["resources", "lowered", "failed"],
        ["Coverage", "1"],
        ["Coverage.status", "1", "1", "1"],
        ["Patient", "1"],
        ["Patient.gender", "1", "1"],
    ]
    assert "female" not in out
    (tmp_path / "policy.toml").write_text(AFTER)
    asyncio.run(apply(config))
    told = run(capsys, "report", "--config", config)[1].splitlines()
    assert told[0].startswith("policy b0ac8a17 is in force since commit")
    assert told[1] == "applied: resources: 2; claims lowered: 1, raised: 0; gates passed now: 0, failed: 2"
    assert told[2:] == out.splitlines()[3:]


async def fill(config: Path) -> None:
    settings = load_settings(config)
    store = make_store(settings)
    await store.open()
    await record(store, settings.policy, "credence")
    for type, content in (("Patient", {"gender": "female"}), ("Coverage", {"status": "active"})):
        write = Put(type, "1", {"resourceType": type, "id": "1", **content})
        await store.submit(Command(Statement("feed"), (write,)))
    await store.close()


async def apply(config: Path) -> None:
    settings = load_settings(config)
    store = make_store(settings)
    await store.open()
    await record(store, settings.policy, "credence")
    changes = PolicyChanges(store, settings.policy, settings.sources, "credence")
    while await changes.step():
        pass
    await store.close()


def test_a_server_does_not_start_with_a_wrong_policy(config: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('[[rule]]\nunit = "nowhere"\n')
    with pytest.raises(
        InvalidSettings, match=r"\[policy\] file: policy.toml: line 2, rule 1: unit 'nowhere'"
    ):
        load_settings(config)
