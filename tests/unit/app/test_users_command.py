"""``credence users``: on a file of its own, and once on a terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
from pathlib import Path

import pytest

from fhirserver.access.passwords import PasswordDigests
from fhirserver.access.users import SignInRefused, User, Users
from fhirserver.app.cli import main
from fhirserver.app.commands.init import configuration
from fhirserver.storage.sqlite.access_records import SqliteAccessRecords
from tests.server_process import command

SECRET = "heron lamp quarry 7"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "credence.toml").write_text(configuration()[0])
    (tmp_path / "password").write_text(SECRET + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fhirserver.access.users.PasswordDigests", lambda: PasswordDigests(1, 64, 1))
    return tmp_path


def find(folder: Path, login: str) -> User | None:
    records = SqliteAccessRecords(folder / "var" / "credence.db-access")
    try:
        return asyncio.run(Users(records).find(login))
    finally:
        records.close()


def sign_in(folder: Path, login: str, password: str) -> User:
    records = SqliteAccessRecords(folder / "var" / "credence.db-access")
    try:
        return asyncio.run(Users(records).sign_in(login, password, "192.0.2.1"))
    finally:
        records.close()


def test_users_are_added_listed_and_removed(folder, capsys) -> None:
    assert main(["users", "list"]) == 0
    assert "no users" in capsys.readouterr().out
    add = ["users", "add", "Ana", "--name", "Ana Ruiz", "--role", "operator", "--role", "privacy"]
    assert main([*add, "--fhir-user", "Practitioner/2", "--password-file", "password"]) == 0
    assert (
        main(
            ["users", "add", "pat", "--fhir-user", "Patient/1", "--patient", "RelatedPerson/7", "--generate"]
        )
        == 0
    )
    assert SECRET not in capsys.readouterr().out
    found = find(folder, "ana")
    assert found is not None and (found.name, found.fhir_user) == ("Ana Ruiz", "Practitioner/2")
    assert found.roles == {"operator", "privacy"} and found.source == "operator"
    assert sign_in(folder, "ana", SECRET) == found
    assert main(["users", "list"]) == 0
    listed = [re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines()]
    assert ["ana", "Ana Ruiz", "operator privacy", "Practitioner/2", "operator", "here"] in listed
    assert ["pat", "pat", "Patient/1", "RelatedPerson/7", "here"] in listed
    assert main(["users", "remove", "pat"]) == 0
    assert find(folder, "pat") is None


def test_a_password_that_was_made_is_printed_once_and_is_right(folder, capsys) -> None:
    assert main(["users", "add", "pat", "--generate"]) == 0
    made = re.search(r"shown this once: (\S+)", capsys.readouterr().out)
    assert made is not None and sign_in(folder, "pat", made[1]).login == "pat"
    assert main(["users", "password", "pat", "--generate"]) == 0
    again = re.search(r"shown this once: (\S+)", capsys.readouterr().out)
    assert again is not None and again[1] != made[1] and sign_in(folder, "pat", again[1]).login == "pat"
    with pytest.raises(SignInRefused):
        sign_in(folder, "pat", made[1])


def test_the_disabled_are_listed_as_such(folder, capsys) -> None:
    main(["users", "add", "pat", "--password-file", "password"])
    assert main(["users", "disable", "pat"]) == 0
    capsys.readouterr()
    main(["users", "list"])
    assert "disabled" in capsys.readouterr().out
    assert main(["users", "enable", "pat"]) == 0
    assert sign_in(folder, "pat", SECRET)


def test_what_a_user_is_can_be_changed(folder, capsys) -> None:
    main(["users", "add", "pat", "--password-file", "password"])
    assert main(["users", "change", "pat", "--role", "operator", "--name", "Pat O."]) == 0
    found = find(folder, "pat")
    assert found is not None
    assert (found.name, found.roles, found.source) == ("Pat O.", {"operator"}, "operator")
    assert main(["users", "change", "pat", "--role", ""]) == 0
    found = find(folder, "pat")
    assert found is not None and found.roles == frozenset()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "a b", "--generate"], "a login has"),
        (["add", "pat", "--password-file", "none"], "none cannot be read"),
        (["add", "pat", "--password-file", "short"], "at least 15"),
        (["add", "pat", "--role", "root", "--generate"], "no role 'root'"),
        (["add", "pat", "--role", "write", "--source", "none", "--generate"], "no [[source]]"),
        (["add", "pat", "--fhir-user", "me", "--generate"], "fhirUser"),
        (["add", "pat"], "no terminal"),
        (["password", "nobody", "--generate"], "there is no user 'nobody'"),
        (["disable", "nobody"], "there is no user 'nobody'"),
        (["remove", "nobody"], "there is no user 'nobody'"),
        (["change", "nobody", "--name", "x"], "there is no user 'nobody'"),
        (["change", "nobody"], "say what to change"),
    ],
)
def test_what_cannot_be_done_is_said(folder, capsys, arguments, words) -> None:
    (folder / "short").write_text("short")
    assert main(["users", *arguments]) == 1
    said = capsys.readouterr()
    assert words in said.err and not said.out


def test_a_login_is_given_once(folder, capsys) -> None:
    main(["users", "add", "pat", "--generate"])
    assert main(["users", "add", "PAT", "--generate"]) == 1
    assert "there is a user 'pat' already" in capsys.readouterr().err


def test_memory_keeps_no_users(folder, capsys) -> None:
    config = folder / "credence.toml"
    config.write_text(config.read_text().replace('kind = "sqlite"', 'kind = "memory"'))
    assert main(["users", "list"]) == 1
    assert "keeps no users" in capsys.readouterr().err


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(folder) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command()[0], [*command(), "users", "add", "pat"])
    said = b""
    for prompt in (b"Password: ", b"Once more: "):
        while prompt not in said:
            said += os.read(terminal, 1024)
        os.write(terminal, SECRET.encode() + b"\n")
    while b"added pat" not in said:
        said += os.read(terminal, 1024)
    assert os.waitpid(child, 0)[1] == 0
    os.close(terminal)
    assert SECRET.encode() not in said
    assert sign_in(folder, "pat", SECRET)
