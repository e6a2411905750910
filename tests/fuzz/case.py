"""One request of the fuzzer, and how to send it again by hand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

_INLINE = 1500


@dataclass(slots=True)
class Case:
    """A request: ``target`` is everything after the FHIR base, percent-encoded as it shall be sent."""

    kind: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    principal: str = "admin"
    number: int = 0

    def curl(self, base: str, folder: Path) -> str:
        """The request as a curl line; a body that does not fit in a line goes into a file of ``folder``."""
        parts = ["curl", "-sS", "-g", "--path-as-is", "-i", "-X", self.method]
        parts += ["-H", f"Authorization: Bearer $TOKEN_{self.principal.upper().replace('-', '_')}"]
        for name, value in self.headers.items():
            parts += ["-H", f"{name}: {value}"]
        if self.body:
            parts += ["--data-binary", self._data(folder)]
        quoted = [shlex.quote(part) for part in [*parts, f"{base}{self.target}"]]
        return (
            " ".join(quoted)
            .replace("'Authorization: Bearer $", '"Authorization: Bearer $', 1)
            .replace(
                f"TOKEN_{self.principal.upper().replace('-', '_')}'",
                f'TOKEN_{self.principal.upper().replace("-", "_")}"',
                1,
            )
        )

    def _data(self, folder: Path) -> str:
        if len(self.body) <= _INLINE and self.body.isascii() and self.body.decode().isprintable():
            return self.body.decode()
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"case-{self.number}.body"
        place.write_bytes(self.body)
        return f"@{place}"
