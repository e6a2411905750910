"""``credence chat``: a conversation by text in a terminal, through the API that apps use."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Token = Callable[[bool], str]
"""Gives a token that is good now; True: the last one was refused."""


def run(arguments: list[str]) -> int:
    """Hold a conversation, typed or from a script."""
    from agent.cards.pictures import TYPES

    parser = argparse.ArgumentParser(
        prog="credence chat",
        description="Chat with the agent in a terminal, as a user of an app.",
        epilog=f"While chatting: /attach FILE ({', '.join(TYPES)}), /rate 1…5 [words], /finish, /help; "
        "Ctrl+D leaves, and the same user goes on later.",
    )
    parser.add_argument("--server", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--service", default="default", help="the chat service (default: %(default)s)")
    parser.add_argument(
        "--token", default=os.environ.get("CREDENCE_CHAT_TOKEN", ""),
        help="the user's token: a patient's by SMART, or a JWT of the app's backend; or CREDENCE_CHAT_TOKEN",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=Path, help="instead: the backend's private key (JWK or PEM), to sign one here"
    )
    for name, help in (("issuer", "iss"), ("audience", "aud"), ("user", "sub")):
        parser.add_argument(f"--{name}", default="", help=f"with --key: the claim {help}")
    for name in ("patient", "phone", "name"):
        parser.add_argument(f"--{name}", default="", help=f"with --key: the claim {name}, where there is one")
    parser.add_argument(
        "--demo", action="store_true", help="as a visitor of the demo page, where the server has one"
    )
    parser.add_argument("--script", type=Path, help="a file of the user's words, as 'credence call' takes it")
    parser.add_argument("--json", action="store_true", help="every event as a line of JSON")
    options = parser.parse_args(arguments)
    try:
        token, service = _token(options)
        return asyncio.run(_chat(options, token, service))
    except KeyboardInterrupt:
        return 130
    except (_Wrong, OSError, ValueError) as error:
        print(f"credence chat: {error}", file=sys.stderr)
        return 2


class _Wrong(ValueError):
    """What was given does not do; the message says what to do."""


def _token(options: argparse.Namespace) -> tuple[Token, str]:
    """What gives a token that is good now, and the service it is for."""
    if options.demo:
        return _demo_token(options.server), "demo"
    if options.token:
        return lambda again: str(options.token), options.service
    if options.key is None:
        raise _Wrong("give --token, or --key with --issuer, --audience and --user, or --demo")
    if not (options.issuer and options.audience and options.user):
        raise _Wrong("--key needs --issuer, --audience and --user")
    return _signing(options), options.service


def _signing(options: argparse.Namespace) -> Token:
    """Signs as the backend of an app does, for ten minutes each."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    content = options.key.read_bytes()
    found: tuple[ECKey | RSAKey | OKPKey, str] | None = None
    for kind, algorithm in ((ECKey, "ES256"), (RSAKey, "RS256"), (OKPKey, "EdDSA")):
        with contextlib.suppress(JoseError, ValueError, TypeError, KeyError):
            found = found or (kind.import_key(_jwk(content)), algorithm)
    if found is None:
        raise _Wrong(f"{options.key} is no private key (P-256, RSA or Ed25519, as JWK or PEM)")
    key, signs = found
    claims = {"iss": options.issuer, "aud": options.audience, "sub": options.user}
    claims |= {name: value for name in ("patient", "phone", "name") if (value := getattr(options, name))}

    def token(again: bool) -> str:
        now = int(time.time())
        header = {"alg": signs} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode(header, {**claims, "iat": now, "exp": now + 600}, key, algorithms=[signs])

    return token


def _jwk(content: bytes) -> Any:
    from fhirserver.kernel.json import loads

    if not content.lstrip().startswith(b"{"):
        return content
    read = loads(content)
    return read if isinstance(read, dict) else content


def _demo_token(server: str) -> Token:
    import secrets

    import httpx

    visitor = secrets.token_hex(16)
    known: dict[str, Any] = {"token": "", "until": 0.0}

    def token(again: bool) -> str:
        if again or float(known["until"]) < time.monotonic():
            answer = httpx.post(f"{server.rstrip('/')}/chat/demo/token", json={"visitor": visitor})
            if answer.status_code != 200:
                raise _Wrong("the server has no demo: set [chat] demo = true")
            known.update(token=answer.json()["token"], until=time.monotonic() + 300)
        return str(known["token"])

    return token


async def _chat(options: argparse.Namespace, token: Token, service: str) -> int:
    from rich.console import Console

    from agent.channels.chat_client import ChatAddress, ChatClient, ChatLost, ChatRefused
    from agent.channels.chat_terminal import HELP, ChatTerminal, Display
    from agent.channels.script import Script, parse

    script = (
        Script(parse(options.script.read_text(encoding="utf-8").splitlines())) if options.script else None
    )
    display = Display(Console(), options.json, own_words=script is not None)
    client = ChatClient(
        ChatAddress(options.server, service, token),
        on_trouble=lambda _: display.note("connection lost, trying again"),
    )
    try:
        told = await client.begin()
        display.note(f"{told['title'] or 'Chat'} · conversation {client.id}")
        terminal = ChatTerminal(client, display)
        if script is not None:
            await terminal.scripted(script)
        else:
            display.note(HELP)
            await terminal.typed()
    except (ChatRefused, ChatLost) as error:
        print(f"credence chat: {error}", file=sys.stderr)
        return 1
    finally:
        await client.close()
    return 0
