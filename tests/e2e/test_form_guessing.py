"""Links that open nothing: whoever comes with too many is heard no more for a while."""

from __future__ import annotations

from pathlib import Path

from tests.form_world import ADA, Person, Practice
from tests.server_process import ServerProcess


def test_guessing_is_limited(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, settings="[limits]\nfailed_sign_ins_per_minute = 5\n") as server:
        practice = Practice(server)
        practice.put({**ADA, "id": "ada"})
        url = practice.form()["url"]
        statuses = [
            Person(f"{server.root}/forms/{n:024x}.zzzzzz.{'0' * 32}").get().status_code for n in range(8)
        ]
        assert statuses[:5] == [404] * 5 and statuses[-1] == 429
        page = Person(url).get()
        assert (
            page.status_code == 429 and "too many tries" in page.text and int(page.headers["retry-after"]) > 0
        )
