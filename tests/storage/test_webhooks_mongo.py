"""Webhooks of two hosts over one MongoDB: one at a time delivers, and the other goes on when that one is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhirserver.kernel.ids import new_id
from tests.e2e.test_platform_webhooks import SETTINGS, Hooks, taken, told, wait_for
from tests.server_process import ServerProcess
from tests.subscriber_process import SubscriberProcess

pytestmark = pytest.mark.mongo

LEASE = 3.0


@pytest.fixture
def hosts(mongo_url: str, tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two servers with the same settings and the same key, each with a folder of its own."""
    first, second = (ServerProcess(tmp_path / name, own_data=False) for name in ("one", "two"))
    first._initialise()
    key = first.secret("a" * 64, "server.key")
    database = f"credence-{new_id()[:12]}"
    for host in (second, first):
        host.tokens = first.tokens
        host.directory.mkdir(exist_ok=True)
        text = first.config.read_text()
        text = text.replace(
            'kind = "sqlite"', f'kind = "mongo"\nurl = "{mongo_url}"\ndatabase = "{database}"'
        )
        text = text.replace("var/credence.db", str(host.data / "credence.db"))
        settings = SETTINGS.replace("[subscriptions]", f'[subscriptions]\nkey_file = "{key}"')
        host.config.write_text(f"{text}{settings}\n[runner]\nlease_seconds = {LEASE}\n")
    with first, second:
        yield [first, second]


def holder(hosts: list[ServerProcess]) -> int:
    """Which of them delivers: it says so in its log, the last one counts."""
    found = [n for n, one in enumerate(hosts) if "~webhooks: this process does it now" in one.log_tail(10**6)]
    return found[0] if len(found) == 1 else -1


def test_one_delivers_and_the_other_goes_on_when_it_is_killed(
    hosts: list[ServerProcess], tmp_path: Path
) -> None:
    with SubscriberProcess(tmp_path / "receiver") as receiver:
        at_work = wait_for(lambda: holder(hosts) + 1) - 1
        left = hosts[1 - at_work]
        with Hooks(left) as hooks:
            made = hooks.make(f"{receiver.url}/hook", resources=["HealthcareService"])
            receiver.fault("verify", path="/hook", secrets=[made["secret"]])
            before = [f"b{number}" for number in range(20)]
            for name in before:
                hooks.service(name)
            wait_for(lambda: before[-1] in told(taken(receiver, "/hook")))
            time.sleep(LEASE)
            assert told(taken(receiver, "/hook")) == before, "something came twice, or from both"
            wait_for(lambda: hooks.read(made["id"])["delivered"] == len(before))
            hosts[at_work].kill()
            killed = time.monotonic()
            hooks.service("after")
            wait_for(lambda: "after" in told(taken(receiver, "/hook")), LEASE * 2 + 20)
            print(f"taken over after {time.monotonic() - killed:.1f} s")
            assert told(taken(receiver, "/hook")) == [*before, "after"]
            assert not [one for one in receiver.received("/hook") if one.status == 401]
            hosts[at_work].start()
            hooks.service("last")
            wait_for(lambda: "last" in told(taken(receiver, "/hook")))
            time.sleep(LEASE)
            assert told(taken(receiver, "/hook")) == [*before, "after", "last"]
