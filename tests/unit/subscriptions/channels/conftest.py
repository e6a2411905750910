"""Subscribers as processes, and certificates of an authority of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from fhirserver.kernel.addresses import Addresses
from subscriptions.channels.egress import Egress
from tests.subscriber_process import SubscriberProcess

LOOPBACK = Egress(Addresses(allow_private=True), allow_http=True)


@pytest.fixture
def subscriber(tmp_path: Path) -> Iterator[SubscriberProcess]:
    with SubscriberProcess(tmp_path / "subscriber") as process:
        yield process


@dataclass(frozen=True)
class Authority:
    """Makes certificates. `file` is its own, to be trusted."""

    folder: Path
    file: Path
    ca: trustme.CA

    def certificate(self, *names: str) -> Path:
        """A PEM file with key and certificate."""
        path = self.folder / f"{names[0]}.pem"
        made = self.ca.issue_cert(*names)
        path.write_bytes(made.private_key_pem.bytes() + b"".join(one.bytes() for one in made.cert_chain_pems))
        return path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    ca = trustme.CA()
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return Authority(tmp_path, file, ca)


@pytest.fixture
def tls_subscriber(tmp_path: Path, authority: Authority) -> Iterator[Callable[[str], SubscriberProcess]]:
    """Starts a subscriber with a certificate for a name."""
    running: list[SubscriberProcess] = []

    def start(name: str) -> SubscriberProcess:
        running.append(SubscriberProcess(tmp_path / name, authority.certificate(name)))
        running[-1].start()
        return running[-1]

    yield start
    for process in running:
        process.stop()
