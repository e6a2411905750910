"""A mail server as a process of its own (aiosmtpd) that keeps what it gets on disk and fails when told to."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.server_process import START_SECONDS, free_port

USER, PASSWORD = "credence", "let me in"


@dataclass(frozen=True, slots=True)
class Mailed:
    """One mail that was taken."""

    sender: str
    recipients: tuple[str, ...]
    mail: EmailMessage
    user: str
    encrypted: bool


class MailServerProcess:
    """The process. `tls` is `none`, `starttls` or `tls`; `fault` is what it does from the start of its next life on:
    a status such as `450` or `550` for every recipient, or `hang`."""

    def __init__(
        self, folder: Path, *, tls: str = "none", certificate: Path | None = None, login: bool = False
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._folder, self._record, self._fault = folder, folder / "mails.jsonl", folder / "fault"
        self._options = ["--tls", tls, *(["--certificate", str(certificate)] if certificate else [])]
        self._options += ["--login"] if login else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.mail_server_process", str(self.port)]
        command += [str(self._record), str(self._fault), *self._options]
        root = Path(__file__).resolve().parent.parent
        with (self._folder / "mail.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(
            f"the mail server did not start: {(self._folder / 'mail.log').read_text()[-2000:]}"
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def fault(self, kind: str) -> None:
        """From now on: `450`, `550` …, `hang`, or `` for none."""
        self._fault.write_text(kind)

    def mails(self) -> list[Mailed]:
        if not self._record.exists():
            return []
        lines = [json.loads(line) for line in self._record.read_bytes().split(b"\n")[:-1]]
        return [_mailed(line) for line in lines]

    def __enter__(self) -> MailServerProcess:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.kill()


def _mailed(line: dict[str, Any]) -> Mailed:
    mail = message_from_bytes(base64.b64decode(line["mail"]), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return Mailed(line["sender"], tuple(line["recipients"]), mail, line["user"], line["encrypted"])


def _handler(record: Path, fault: Path) -> Any:
    class Handler:
        async def handle_RCPT(
            self, server: Any, session: Any, envelope: Any, address: str, options: Any
        ) -> str:
            kind = fault.read_text() if fault.exists() else ""
            if kind == "hang":
                await asyncio.sleep(3600)
            if kind:
                return f"{kind} not now"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            line = {
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "mail": base64.b64encode(envelope.content).decode(),
                "user": str(session.auth_data or ""),
                "encrypted": server.transport.get_extra_info("sslcontext") is not None,
            }
            with record.open("ab", buffering=0) as file:
                file.write(json.dumps(line).encode() + b"\n")
            return "250 taken"

    return Handler()


async def _main(given: argparse.Namespace) -> None:
    from aiosmtpd.smtp import SMTP, AuthResult

    context = None
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.certificate)

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right, auth_data=data.login.decode() if right else None)

    def protocol() -> Any:
        return SMTP(
            _handler(given.record, given.fault),
            hostname="mail.example",
            tls_context=context if given.tls == "starttls" else None,
            require_starttls=given.tls == "starttls",
            authenticator=authenticator if given.login else None,
            auth_required=given.login,
            auth_require_tls=given.tls == "starttls",
        )

    loop = asyncio.get_running_loop()
    direct = context if given.tls == "tls" else None
    server = None
    for _ in range(200):
        try:
            server = await loop.create_server(protocol, "127.0.0.1", given.port, ssl=direct)
            break
        except OSError:
            await asyncio.sleep(0.02)
    loop.add_signal_handler(signal.SIGTERM, os._exit, 0)
    assert server is not None
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("record", type=Path)
    parser.add_argument("fault", type=Path)
    parser.add_argument("--tls", default="none")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--login", action="store_true")
    asyncio.run(_main(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
