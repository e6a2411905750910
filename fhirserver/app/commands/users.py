"""``credence users``: the people who sign in with a login and a password, or did so at the OpenID provider."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

from fhirserver.access.passwords import UnfitPassword
from fhirserver.access.users import InvalidUser, UnknownUser, User, UserExists, Users
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings

Act: TypeAlias = Callable[[Users, argparse.Namespace, Settings], Awaitable[str]]
_WIDTH = 240
_NEEDS_SOURCE = {"write", "operator", "admin"}


class _Wrong(ValueError):
    """What was asked for cannot be done; the message says why."""


def run(arguments: list[str]) -> int:
    """Do one thing to the users. Exit 1 where it cannot be done."""
    options = _parser().parse_args(arguments)
    chosen = settings(options)
    if chosen.storage == "memory":
        print("credence: [storage] kind 'memory' keeps no users", file=sys.stderr)
        return 1
    try:
        print(asyncio.run(_run(chosen, options)))
    except (_Wrong, InvalidUser, UnfitPassword, UnknownUser, UserExists) as error:
        print(f"credence: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(chosen: Settings, options: argparse.Namespace) -> str:
    from fhirserver.app.identity import make_users
    from fhirserver.app.storages import make_storage

    storage = make_storage(chosen, shared=True)
    await storage.open()
    try:
        act: Act = options.act
        return await act(make_users(chosen, storage), options, chosen)
    finally:
        await storage.close()


def _parser() -> argparse.ArgumentParser:
    made = parser("users", "The people who sign in: at the console, and to let apps act for them.")
    commands = made.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, act: Act, text: str, login: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(act=act)
        if login:
            one.add_argument("login", help="as they type it when they sign in")
        return one

    add = command("add", _add, "add a user; the password is asked for")
    _about(add)
    _password_from(add)
    _about(command("change", _change, "change what a user is; their sessions end"))
    command("list", _list, "all users", login=False)
    _password_from(command("password", _password, "give a user another password; their sessions end"))
    command("disable", _disable, "let a user in no more, and end their sessions")
    command("enable", _enable, "let a disabled user in again")
    command("remove", _remove, "forget a user")
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.epilog = "\n".join(
        one.format_usage().removeprefix("usage: ").rstrip() for one in commands.choices.values()
    )
    return made


def _about(one: argparse.ArgumentParser) -> None:
    one.add_argument("--name", help="what pages call them (default: the login)")
    one.add_argument(
        "--role",
        action="append",
        dest="roles",
        metavar="ROLE",
        help="read, write, operator, admin, privacy; several times",
    )
    one.add_argument(
        "--fhir-user", metavar="REFERENCE", help="what they are in the record, such as Patient/1"
    )
    one.add_argument(
        "--source", help="the [[source]] as which they speak (default: the one of kind operator)"
    )
    one.add_argument(
        "--patient",
        action="append",
        dest="patients",
        metavar="REFERENCE",
        help="whom else they may choose in an app: Patient/…, RelatedPerson/… or *; several times",
    )


def _password_from(one: argparse.ArgumentParser) -> None:
    way = one.add_mutually_exclusive_group()
    way.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read it from there instead of asking"
    )
    way.add_argument("--generate", action="store_true", help="make a random one and print it, this once")


async def _add(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    roles = frozenset(options.roles or ())
    user = User(
        options.login,
        options.name or options.login,
        roles,
        options.fhir_user or "",
        _source(options.source, roles, chosen),
        tuple(options.patients or ()),
    )
    password, shown = _given_password(options)
    added = await users.add(user, password)
    return f"added {added.login}{shown}"


async def _change(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    members: dict[str, Any] = {
        name: given
        for name in ("name", "roles", "fhir_user", "source", "patients")
        if (given := getattr(options, name)) is not None
    }
    if not members:
        raise _Wrong("say what to change: --name, --role, --fhir-user, --source or --patient")
    for name, kind in (("roles", frozenset), ("patients", tuple)):
        if name in members:
            members[name] = kind(one for one in members[name] if one)
    if members.get("roles") or members.get("source"):
        known = await users.find(options.login)
        roles = members.get("roles", known.roles if known else frozenset())
        members["source"] = _source(members.get("source") or (known.source if known else ""), roles, chosen)
    return f"changed {(await users.change(options.login, **members)).login}"


async def _list(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "login",
        "name",
        "roles",
        "fhirUser",
        "source",
        "may choose",
        "signs in",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for user in await users.all():
        how = "disabled" if user.disabled else f"at {user.upstream}" if user.upstream else "here"
        cells = (user.login, user.name, " ".join(sorted(user.roles)), user.fhir_user, user.source)
        table.add_row(*cells, " ".join(user.patients), how)
    console = Console(width=_WIDTH, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) if table.rows else "no users"


async def _password(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    if await users.find(options.login) is None:
        raise UnknownUser(f"there is no user '{options.login}'")
    password, shown = _given_password(options)
    return f"changed the password of {(await users.change_password(options.login, password)).login}{shown}"


async def _disable(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    return f"disabled {(await users.disable(options.login)).login}"


async def _enable(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    return f"enabled {(await users.disable(options.login, False)).login}"


async def _remove(users: Users, options: argparse.Namespace, chosen: Settings) -> str:
    await users.remove(options.login)
    return f"removed {options.login}"


def _source(given: str | None, roles: frozenset[str], chosen: Settings) -> str:
    """The source as which somebody with these roles speaks."""
    if given:
        if given not in chosen.sources:
            raise _Wrong(f"there is no [[source]] with id '{given}'")
        return given
    if not roles & _NEEDS_SOURCE:
        return ""
    operators = [source.id for source in chosen.sources.values() if source.kind == "operator"]
    if len(operators) != 1:
        raise _Wrong("say with --source as which [[source]] they speak")
    return operators[0]


def _given_password(options: argparse.Namespace) -> tuple[str, str]:
    """The password, and what to say of it: only one that was made here is printed."""
    if options.generate:
        made = "-".join(secrets.token_hex(3) for _ in range(4))
        return made, f"\n\nPassword, shown this once: {made}"
    if options.password_file:
        try:
            return options.password_file.read_text("utf-8").rstrip("\r\n"), ""
        except (OSError, UnicodeDecodeError):
            raise _Wrong(f"{options.password_file} cannot be read") from None
    if not sys.stdin.isatty():
        raise _Wrong("there is no terminal to ask for the password: use --password-file or --generate")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise _Wrong("these were two different passwords")
    return first, ""
