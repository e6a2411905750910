"""The console of a workspace beside the host: signed in to with its own keys, whole beneath its path, worthless
elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.workspace import WorkspacePlace

_PLACES = re.compile(r'(?:href|src|action|formaction|hx-get|hx-post|data-queue|data-next)="([^"]*)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("consoles")), workers=2) as process:
        yield process


@pytest.fixture(scope="module")
def clinic(server: ServerProcess) -> WorkspacePlace:
    place = WorkspacePlace(server, "clinic-b")
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": "Wojciechowska"}]}
    system = {
        "resourceType": "CodeSystem",
        "id": "colours",
        "url": "http://example.org/colours",
        "name": "Colours",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "red"}],
    }
    for one in (patient, system):
        url = f"{place.base}/{one['resourceType']}/{one['id']}"
        assert httpx.put(url, json=one, headers=place.headers, timeout=30).is_success
    return place


@pytest.fixture(scope="module")
def other(server: ServerProcess) -> WorkspacePlace:
    return WorkspacePlace(server, "clinic-c")


def signing_in(root: str, token: str) -> httpx.Response:
    return httpx.post(f"{root}/console/sign-in", data={"token": token, "next": ""}, timeout=30)


def browsing(answer: httpx.Response) -> httpx.Client:
    """A browser that shows a session's cookie wherever it goes."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}
    return httpx.Client(headers=headers, timeout=30)


def is_signed_in(browser: httpx.Client, root: str) -> bool:
    answer = browser.get(f"{root}/console")
    assert answer.status_code == 200, answer.status_code
    return "/console/sign-out" in answer.text


def test_every_page_leads_to_pages_of_the_workspace(server: ServerProcess, clinic: WorkspacePlace) -> None:
    answer = signing_in(clinic.root, clinic.key_of("operator"))
    begin = f"/workspaces/{clinic.id}/console"
    assert (answer.status_code, answer.headers["location"]) == (303, begin)
    assert f"Path={begin};" in f"{answer.headers['set-cookie']};", answer.headers["set-cookie"]
    seen: dict[str, int] = {}
    todo = [begin, f"{begin}/patients?text=Wojciechowska", f"{begin}/patient/p"]
    with httpx.Client(base_url=server.root, cookies=dict(answer.cookies), timeout=30) as browser:
        while todo and len(seen) < 80:
            path = todo.pop(0)
            if path in seen:
                continue
            page = browser.get(path)
            seen[path] = page.status_code
            assert page.status_code in (200, 303), (path, page.status_code)
            for place in [*_PLACES.findall(page.text), page.headers.get("location", "")]:
                place = place.replace("&amp;", "&").partition("#")[0]
                assert not place.startswith("/") or place.startswith(begin), (path, place)
                if place.startswith(begin) and not re.search(
                    r"/sign-|events|export|undo|approve|reject", place
                ):
                    todo.append(place)
    for name in ("live", "calls", "campaigns", "agents", "connectors", "terminology", "analytics", "quality"):
        assert f"{begin}/{name}" in seen, name
    assert f"{begin}/static/console.css" in seen
    script = r"[\"'`]/console"
    for name in ("desk", "live", "queue", "call", "campaign", "recording", "sound", "terminology"):
        text = httpx.get(f"{clinic.root}/console/static/{name}.js").text
        assert not re.search(script, text), name


def test_who_is_not_signed_in_is_led_to_the_form_of_the_workspace(clinic: WorkspacePlace) -> None:
    answer = httpx.get(f"{clinic.root}/console/patient/p")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/workspaces/{clinic.id}/console?next=")
    form = httpx.get(f"http://{answer.url.netloc.decode()}{answer.headers['location']}")
    wanted = re.search(r'name="next" value="([^"]*)"', form.text)
    assert wanted
    sent = {"token": clinic.key_of("operator"), "next": wanted[1]}
    back = httpx.post(f"{clinic.root}/console/sign-in", data=sent, timeout=30)
    assert back.headers["location"] == f"/workspaces/{clinic.id}/console/patient/p"


def test_only_operators_of_the_workspace_come_in(
    server: ServerProcess, clinic: WorkspacePlace, other: WorkspacePlace
) -> None:
    assert signing_in(clinic.root, clinic.key_of("viewer")).status_code == 403
    for token in (other.key_of("operator"), other.key, server.tokens["admin"], server.tokens["voice-agent"]):
        assert signing_in(clinic.root, token).status_code == 403
    assert signing_in(server.root, clinic.key_of("operator")).status_code == 403


def test_a_session_in_one_is_worthless_in_another(
    server: ServerProcess, clinic: WorkspacePlace, other: WorkspacePlace
) -> None:
    answer = signing_in(clinic.root, clinic.key_of("operator"))
    with browsing(answer) as browser:
        for _ in range(4):  # in either process
            assert is_signed_in(browser, clinic.root)
            assert not is_signed_in(browser, other.root)
            assert not is_signed_in(browser, server.root)
    hosts = signing_in(server.root, server.tokens["admin"])
    assert hosts.status_code == 303
    with browsing(hosts) as browser:
        assert is_signed_in(browser, server.root) and not is_signed_in(browser, clinic.root)


def test_a_session_ends_with_its_key(clinic: WorkspacePlace) -> None:
    token = clinic.key_of("operator")
    with browsing(signing_in(clinic.root, token)) as browser:
        assert is_signed_in(browser, clinic.root)
        assert clinic.platform("DELETE", f"keys/{token.split('_')[2]}").status_code == 204
        time.sleep(1.5)
        assert not any(is_signed_in(browser, clinic.root) for _ in range(6))


def test_signing_out(clinic: WorkspacePlace) -> None:
    answer = signing_in(clinic.root, clinic.key_of("operator"))
    with browsing(answer) as browser:
        page = browser.get(f"{clinic.root}/console")
        token = re.search(r'name="form_token" value="([^"]*)"', page.text)
        assert token
        out = browser.post(f"{clinic.root}/console/sign-out", data={"form_token": token[1]})
        assert out.headers["location"] == f"/workspaces/{clinic.id}/console"
        assert not is_signed_in(browser, clinic.root)


def test_the_pages_say_whose_they_are(server: ServerProcess, clinic: WorkspacePlace) -> None:
    named = f'<span class="workspace">{clinic.id}</span>'
    door = httpx.get(f"{clinic.root}/console").text
    assert named in door and "platform key of this workspace" in door
    with browsing(signing_in(clinic.root, clinic.key_of("operator"))) as browser:
        page = browser.get(f"{clinic.root}/console/patient/p").text
        assert named in page and '<span class="who">operator</span>' in page, "the key's own name"
    assert 'class="workspace"' not in httpx.get(f"{server.root}/console").text
