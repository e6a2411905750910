"""``credence clients``: the apps and services that may ask for tokens."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.clients import KEYS, OPERATOR, PUBLIC, Client, Clients
from fhirserver.access.smart.revocations import Revocations
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.app.settings import Settings
from fhirserver.app.smart_settings import client_of

_KINDS = {PUBLIC: "public", KEYS: "keys"}


def run(arguments: list[str]) -> int:
    """List, add or remove clients. Exit 1 where there is none, or one already; 2 for what is wrong."""
    chosen = _options().parse_args(arguments)
    loaded = settings(chosen)
    try:
        return asyncio.run(_ACTIONS[chosen.action](loaded, chosen))
    except WrongSetting as wrong:
        print(f"credence: {wrong.problem}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"credence: {error}", file=sys.stderr)
    return 2


def _options() -> argparse.ArgumentParser:
    options = parser(
        "clients", "Apps and services that may ask for tokens. A running server sees changes at once."
    )
    options.add_argument("action", choices=sorted(_ACTIONS), help="what to do")
    options.add_argument("id", nargs="?", default="", help="the client_id; add makes one where none is given")
    options.add_argument("--name", default="", help="what users read on the consent page")
    options.add_argument("--source", default="", help="the id of the [[source]] as which it writes")
    options.add_argument(
        "--scopes", default="", help='the most that it may be granted: "launch/patient patient/*.rs"'
    )
    options.add_argument(
        "--redirect",
        action="append",
        default=[],
        metavar="URI",
        help="where users come back to; several may be given",
    )
    options.add_argument("--secret", action="store_true", help="make a secret, which is printed once")
    options.add_argument("--jwks-file", type=Path, help="its public keys, a JWK Set")
    options.add_argument("--jwks-url", default="", help="where its public keys are published")
    options.add_argument("--launch-url", default="", help="where an EHR starts it")
    options.add_argument("--no-consent", action="store_true", help="users are not asked before it is let in")
    options.add_argument("--launches", action="store_true", help="its token lets it make launch contexts")
    options.add_argument("--introspects", action="store_true", help="it is told of tokens of other clients")
    return options


async def _list(loaded: Settings, _: argparse.Namespace) -> int:
    from fhirserver.app.securing import access_records

    async with access_records(loaded) as records:
        found = await Clients(records, loaded.clients).all()
    for client in found:
        print(
            f"{client.id}  {_KINDS.get(client.method, 'secret')}  {client.made_by}  {client.source}  {client.name}"
        )
        print(f"    {client.scopes}")
    if not found:
        print("no clients: 'credence clients add' adds one")
    return 0


async def _add(loaded: Settings, chosen: argparse.Namespace) -> int:
    from fhirserver.app.securing import access_records
    from fhirserver.app.subscribing import egress_of

    why = egress_of(loaded.subscriptions).objection(chosen.jwks_url) if chosen.jwks_url else None
    if why:
        raise WrongSetting(
            "jwks_url", f"--jwks-url cannot be fetched: {why}; see [subscriptions] in docs/settings.md"
        )
    secret = secrets.token_urlsafe(32) if chosen.secret else ""
    entry = _entry(chosen, token_digest(secret) if secret else "")
    client = client_of(entry, Path(), loaded.sources)
    client = replace(client, made_by=OPERATOR, made=int(time.time()))
    async with access_records(loaded) as records:
        if not await Clients(records, loaded.clients).add(client):
            print(f"credence: there is a client '{client.id}' already", file=sys.stderr)
            return 1
    _tell(client, secret)
    return 0


def _entry(chosen: argparse.Namespace, digest: str) -> Mapping[str, Any]:
    """As a ``[[client]]`` of the settings says it."""
    given = {
        "id": chosen.id or secrets.token_urlsafe(12),
        "name": chosen.name or chosen.id or "An app without a name",
        "source": chosen.source,
        "scopes": chosen.scopes,
        "redirect_uris": chosen.redirect,
        "secret_sha256": digest,
        "jwks_file": str(chosen.jwks_file or ""),
        "jwks_url": chosen.jwks_url,
        "launch_url": chosen.launch_url,
        "launches": chosen.launches,
        "introspects": chosen.introspects,
    }
    return {**given, "consent": not chosen.no_consent}


def _tell(client: Client, secret: str) -> None:
    print(f"client_id={client.id}")
    if secret:
        print(f"client_secret={secret}")
        print("The secret is shown this once: only its digest is kept.", file=sys.stderr)


async def _remove(loaded: Settings, chosen: argparse.Namespace) -> int:
    from fhirserver.app.securing import access_records

    if any(client.id == chosen.id for client in loaded.clients):
        print(f"credence: '{chosen.id}' is of the settings: take its [[client]] out", file=sys.stderr)
        return 1
    async with access_records(loaded) as records:
        if not await Clients(records).remove(chosen.id):
            print(f"credence: there is no client '{chosen.id}'", file=sys.stderr)
            return 1
        await Revocations(records).revoke("client", chosen.id)
    print(f"removed {chosen.id}; its tokens open nothing any more")
    return 0


_ACTIONS = {"list": _list, "add": _add, "remove": _remove}
