"""The server that is attacked by way of tokens, forms and addresses, and its audit trail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.people import Person, add_users
from tests.attacks.trail import Trail
from tests.attacks.world import ADA, BOB, Attacked, clients, outside, principals, wire
from tests.server_process import ServerProcess


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("attacked")
    with Attacked(folder, settings=principals() + clients(folder) + outside()) as running:
        add_users(running)
        ehr = wire(running, "ehr")
        for path in (f"Patient/{ADA}-patient", f"Patient/{BOB}-patient", "Practitioner/qzdoc"):
            type, _, id = path.partition("/")
            assert ehr("PUT", f"/fhir/{path}", {"resourceType": type, "id": id, "active": True}).status == 201
        ehr.close()
        yield running


@pytest.fixture(scope="package")
def trail(server: ServerProcess) -> Iterator[Trail]:
    """At the end all that the tests expect is looked for in the trail at once."""
    made = Trail(server, exported=True)
    yield made
    made.settle()


@pytest.fixture(scope="package")
def pat(server: ServerProcess) -> Iterator[Person]:
    """A patient, whose record ada's is."""
    person = Person(server, "pat")
    yield person
    person.wire.close()


@pytest.fixture(scope="package")
def mal(server: ServerProcess) -> Iterator[Person]:
    """Another patient, who is after pat's."""
    person = Person(server, "mal")
    yield person
    person.wire.close()
