"""One workspace of a running server, as the helpers of chat, forms and console see a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import httpx

from tests.server_process import ServerProcess


class Served(Protocol):
    """Where FHIR and what is beside it are served, and who may ask."""

    @property
    def root(self) -> str: ...

    @property
    def base(self) -> str: ...

    @property
    def tokens(self) -> Mapping[str, str]: ...

    @property
    def headers(self) -> dict[str, str]: ...

    def headers_of(self, principal: str) -> dict[str, str]: ...


class WorkspacePlace:
    """A fresh workspace. Whoever asks comes with its first key, of the role ``owner``."""

    def __init__(self, server: ServerProcess, id: str):
        headers = {"Authorization": f"Bearer {server.tokens['admin']}"}
        sent = {"id": id, "name": id, "source": "ehr"}
        made = httpx.post(f"{server.root}/platform/workspaces", json=sent, headers=headers, timeout=60)
        assert made.status_code == 201, made.text
        self.id, self.root, self.key = id, f"{server.root}/workspaces/{id}", str(made.json()["key"]["key"])
        self.base = f"{self.root}/fhir"
        self.tokens: Mapping[str, str] = {"admin": self.key, "ehr": self.key}

    @property
    def headers(self) -> dict[str, str]:
        return self.headers_of("ehr")

    def headers_of(self, principal: str) -> dict[str, str]:
        media = "application/fhir+json"
        return {"Authorization": f"Bearer {self.key}", "Content-Type": media, "Accept": media}

    def get(self, path: str) -> httpx.Response:
        """FHIR, as its owner."""
        return httpx.get(f"{self.base}/{path}", headers=self.headers, timeout=60)

    def platform(self, method: str, path: str, body: object = None) -> httpx.Response:
        """``/platform``, as its owner."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, f"{self.root}/platform/{path}", json=body, headers=headers, timeout=60)

    def key_of(self, role: str) -> str:
        """A new key of a role, which speaks as the operator."""
        made = self.platform("POST", "keys", {"name": role, "role": role, "source": "operator"})
        assert made.status_code == 201, made.text
        return str(made.json()["key"])
