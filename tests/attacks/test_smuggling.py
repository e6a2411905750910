"""The borders of requests: no second one is hidden in the first, and none borrows the rights of another."""

from __future__ import annotations

import pytest

from tests.attacks.trail import Trail
from tests.attacks.wire import Wire
from tests.attacks.world import TOKENS
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

INNER = "DELETE /fhir/Patient/smuggled HTTP/1.1\r\nHost: x\r\nX-Request-Id: attack-smuggled-0001\r\n\r\n"
POST = "POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
END = f"Content-Length: 5\r\n\r\n0\r\n\r\n{INNER}"
SMUGGLED = {
    "CL.TE": f"{POST}Content-Length: {4 + len(INNER)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}",
    "TE.CL": f"{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\n{INNER}\r\n0\r\n\r\n",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "two lengths in one": f"{POST}Content-Length: 0, {len(INNER)}\r\n\r\n{INNER}",
    "a length with a sign": f"{POST}Content-Length: +0\r\n\r\n{INNER}",
    "a length with a comma": f"{POST}Content-Length: 0,\r\n\r\n{INNER}",
    "a negative length": f"{POST}Content-Length: -1\r\n\r\n{INNER}",
    "a length in hexadecimal": f"{POST}Content-Length: 0x0\r\n\r\n{INNER}",
    "a huge length": f"{POST}Content-Length: 99999999999999999999999999\r\n\r\n{INNER}",
    "TE of another kind": f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{INNER}",
    "TE chunked twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n{END}",
    "TE chunked, identity": f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{INNER}",
    "TE after a space": f"{POST}Transfer-Encoding : chunked\r\n{END}",
    "TE folded": f"{POST}X: y\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n chunked\r\n{END}",
    "a chunk size that is none": f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{INNER}",
    "a chunk size with a sign": f"{POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n{INNER}",
    "a huge chunk": f"{POST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{INNER}",
    "bare line feeds": POST.replace("\r\n", "\n")
    + f"Content-Length: 0\n\nTransfer-Encoding: chunked\n\n{INNER}",
    "a carriage return in a header": f"{POST}X: y\rTransfer-Encoding: chunked\r\n{END}",
    "a NUL in a header": f"{POST}X: y\0z\r\nContent-Length: 0\r\n\r\n",
    "a space in a name": f"{POST}X y: z\r\nContent-Length: 0\r\n\r\n",
    "no name": f"{POST}: z\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 with chunks": POST.replace("1.1", "1.0") + f"Transfer-Encoding: chunked\r\n{END}",
    "HTTP/0.9": "GET /fhir/Patient\r\n\r\n",
    "HTTP/2 without asking": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an unknown method": "EVIL /fhir/Patient HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": "GET /fhir/Patient /x HTTP/1.1\r\nHost: x\r\n\r\n",
}
"""Requests in which a second one is hidden that a proxy would not see, or that no two programs read alike."""


@pytest.mark.parametrize("name", SMUGGLED)
def test_no_request_is_smuggled_in(server: ServerProcess, trail: Trail, name: str) -> None:
    token = f"Authorization: Bearer {TOKENS['eve']}\r\n"
    request = (
        SMUGGLED[name]
        .replace("Host: x\r\n", f"Host: x\r\n{token}")
        .replace("Host: x\n", f"Host: x\n{token[:-2]}\n")
    )
    answers = Wire(server.port).answers(request.encode("latin-1"), 1)
    assert len(answers) <= 1, (name, [one[:80] for one in answers])
    trail.never("attack-smuggled-0001")
    if not answers:  # closed without a word
        return
    head = answers[0].partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    status = int(head.split(" ")[1])
    assert status in (200, 400, 405, 411, 501) or name == "HTTP/0.9", (name, head)
    if status >= 400:
        id = next(line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("x-request-id"))
        assert "connection: close" in head or status != 400, (name, head)
        trail.told(id, f"{status}", f"smuggling: {name}")


def test_two_requests_on_one_connection_are_of_two(server: ServerProcess, trail: Trail) -> None:
    """The second has no token of its own: that of the first is not lent to it."""
    first = f"GET /fhir/Patient?_count=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKENS['eve']}\r\n\r\n"
    second = "GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Request-Id: attack-pipelined-0001\r\n\r\n"
    answers = Wire(server.port).answers((first + second).encode(), 2)
    assert [one.split(b" ")[1] for one in answers] == [b"200", b"401"], answers
    trail.told("attack-pipelined-0001", "401 login", "pipelined")
