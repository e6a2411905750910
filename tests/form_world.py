"""A running server with patients of whom something is missing, for tests of forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from tests.workspace import Served

ADA = {
    "resourceType": "Patient",
    "id": "ada",
    "active": True,
    "name": [{"family": "Okafor", "given": ["Ada"]}],
    "gender": "female",
    "birthDate": "1982-03-03",
}


@dataclass
class Practice:
    """What the practice does, over HTTP."""

    server: Served

    def put(self, resource: dict[str, Any], **headers: str) -> dict[str, Any]:
        """A resource as the EHR states it."""
        url = f"{self.server.base}/{resource['resourceType']}/{resource['id']}"
        answer = httpx.put(url, json=resource, headers={**self.server.headers, **headers}, timeout=60)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json()) if answer.content else {}

    def get(self, path: str, who: str = "ehr") -> dict[str, Any]:
        answer = httpx.get(f"{self.server.base}/{path}", headers=self.server.headers_of(who), timeout=60)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def found(self, path: str) -> list[dict[str, Any]]:
        return [entry["resource"] for entry in self.get(path).get("entry", ())]

    def ask(
        self, method: str, path: str, body: Any = None, who: str = "admin", **headers: str
    ) -> httpx.Response:
        """A request to ``/platform/forms``."""
        sent = {"Authorization": f"Bearer {self.server.tokens[who]}", **headers}
        return httpx.request(
            method, f"{self.server.root}/platform/forms{path}", json=body, headers=sent, timeout=60
        )

    def form(self, patient: str = "ada", **members: Any) -> dict[str, Any]:
        """A fresh form of a patient, with the address of its page under ``url``."""
        made = self.ask("POST", "", {"patient": f"Patient/{patient}", **members})
        assert made.status_code == 201, made.text
        link = self.ask("POST", f"/{made.json()['id']}/link")
        assert link.status_code == 200, link.text
        return {**made.json(), "url": link.json()["url"]}


class Person:
    """A patient with a browser without scripts."""

    def __init__(self, url: str, **headers: str):
        self.url, self.headers = url, headers
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """A request for the form's page, or what is under it."""
        with httpx.Client(
            headers=self.headers, cookies=self.cookies, follow_redirects=True, timeout=30
        ) as http:
            answer = http.request(method, self.url + path, **how)
            self.cookies = http.cookies
        return answer

    def get(self, query: str = "") -> httpx.Response:
        return self.ask("GET", query)

    def post(self, path: str = "", data: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        """A plain form that is sent; the answer is that after any redirect."""
        return self.ask("POST", path, data=data or {}, **how)

    def identify(self, year: str = "1982", month: str = "3", day: str = "3") -> httpx.Response:
        return self.post("/identify", {"birth-date.y": year, "birth-date.m": month, "birth-date.d": day})

    def save(self, **answers: Any) -> httpx.Response:
        """As the script saves fields; ``__`` stands for ``-``."""
        named = {name.replace("__", "-"): value for name, value in answers.items()}
        return self.ask("POST", "/answers", json={"answers": named}, headers={"Accept": "application/json"})

    def photo(self, link_id: str, content: bytes) -> httpx.Response:
        """As the script sends a photo."""
        return self.ask("POST", "/photo", files={link_id: ("photo.jpg", content)})


def words(page: httpx.Response) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
