"""Another terminology server behind the port: a second Credence, with a proxy before it that spoils its answers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from adapters.fhir.tokens import StaticToken
from fhirserver.app.checkup.finding import Grade
from fhirserver.app.checkup.terminology import terminology
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.app.remote_terminology import remote_server
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.app.settings import load_settings
from fhirserver.app.terminology_settings import parse_terminology
from fhirserver.kernel.addresses import Addresses
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from subscriptions.channels.egress import Egress
from subscriptions.channels.guarded import guarded_client
from terminology.remote.faults import Unavailable
from terminology.remote.reading import members
from terminology.remote.routed import RoutedTerminology
from terminology.remote.server import RemoteServer
from terminology.remote.settings import RemoteSettings
from terminology.service import TerminologyService, packed
from tests.faulty_proxy import FaultyProxy
from tests.server_process import ServerProcess

ANIMALS = "http://codes.example/animals"
PETS = "http://codes.example/ValueSet/pets"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
CATS = "http://here.example/ValueSet/cats"
KEY = ECKey.generate_key("P-384", {"kid": "ours", "use": "sig"})
CODES = ("animal", "cat", "dog", "tabby", "rock")

_SYSTEM: JsonObject = {
    "resourceType": "CodeSystem",
    "url": ANIMALS,
    "version": "2",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "caseSensitive": True,
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "concept": [
                {"code": "cat", "display": "Cat", "concept": [{"code": "tabby", "display": "Tabby"}]},
                {"code": "dog", "display": "Dog", "designation": [{"language": "de", "value": "Hund"}]},
            ],
        },
        {"code": "rock", "display": "Rock"},
    ],
}


def value_set(url: str, *filters: JsonObject) -> JsonObject:
    include = {"system": ANIMALS, "filter": list(filters)} if filters else {"system": ANIMALS}
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [include]}}


_PETS = value_set(PETS, {"property": "concept", "op": "is-a", "value": "animal"})
_CATS = value_set(CATS, {"property": "concept", "op": "is-a", "value": "cat"})
ALL_HERE = {ANIMALS: _SYSTEM, PETS: _PETS, CATS: _CATS}


def resolve(url: str, type: str) -> JsonObject | None:
    """Here: all that R4 defines, and the value set of cats, whose code system is elsewhere."""
    return _CATS if url == CATS and type == "ValueSet" else packed(url, type)


def resolve_all(url: str, type: str) -> JsonObject | None:
    found = ALL_HERE.get(url.partition("|")[0])
    return found if found and found["resourceType"] == type else packed(url, type)


KNOWING = TerminologyService(resolve_all, urls=lambda: [ANIMALS])
"""A service that has everything here: what the two together have to agree with."""


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("remote")
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    client = f'id = "asker"\nsource = "ehr"\nscopes = "system/*.rs"\njwks_file = "{folder / "keys.json"}"\n'
    with ServerProcess(folder, settings=f"\n[[client]]\n{client}") as server:
        for resource in (_SYSTEM, _PETS):
            kind = resource["resourceType"]
            httpx.post(f"{server.base}/{kind}", json=resource, headers=server.headers).raise_for_status()
        yield server


@pytest.fixture(scope="module")
def shared_proxy(remote: ServerProcess) -> Iterator[FaultyProxy]:
    with FaultyProxy(remote.root) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared_proxy: FaultyProxy) -> FaultyProxy:
    shared_proxy.fault()
    shared_proxy.forget()
    return shared_proxy


Route = Callable[..., RoutedTerminology]


@pytest.fixture
def route(remote: ServerProcess, proxy: FaultyProxy) -> Iterator[Route]:
    """What is here with the other behind the proxy; settings that are not the default may be given."""
    made: list[RemoteServer] = []
    egress = Egress(Addresses(allow_private=True), allow_http=True)

    def make(token: str | None = None, allowed: Egress = egress, **chosen: Any) -> RoutedTerminology:
        standard = RemoteSettings(f"{proxy.url}/fhir", timeout=2.0, failures=100, answer_bytes=1_000_000)
        settings = replace(standard, **chosen)
        tokens = StaticToken(remote.token if token is None else token)
        there = RemoteServer(settings, lambda: guarded_client(allowed, settings.timeout), tokens)
        made.append(there)
        return RoutedTerminology(TerminologyService(resolve), there, resolve)

    yield make
    for one in made:
        one.close()


def refused(ask: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ask()
    return caught.value


# --- agreement


def test_both_say_what_one_that_has_all_says(route: Route) -> None:
    both = route()
    for code in CODES:
        for asked in (PETS, CATS, _CATS, ""):
            here = KNOWING.validate_code(asked, ANIMALS, code)
            there = both.validate_code(asked, ANIMALS, code)
            assert (there.result, there.cause) == (here.result, here.cause), (asked, code)
        assert both.lookup(ANIMALS, code).display == KNOWING.lookup(ANIMALS, code).display
        for other in CODES:
            assert both.subsumes(ANIMALS, code, other) == KNOWING.subsumes(ANIMALS, code, other)
    assert not both.validate_code("", ANIMALS, "nothing").result
    for asked in (PETS, CATS):
        found, expected = both.expand(asked), KNOWING.expand(asked)
        assert {c.code for c in found.concepts} == {c.code for c in expected.concepts}
        assert set(both.systems_of(asked)) == {ANIMALS}
        held = both.members(asked, ANIMALS, [*CODES, "nothing"])
        assert held == KNOWING.members(asked, ANIMALS, [*CODES, "nothing"])
    assert set(both.related(ANIMALS, "cat", "below")) == {"cat", "tabby"}
    assert ANIMALS in {one.url for one in both.systems()}


def test_displays_are_compared_here(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    assert both.validate_code(PETS, ANIMALS, "dog", display="dog").result
    assert both.validate_code(PETS, ANIMALS, "dog", display="Hund").result
    found = both.validate_code(PETS, ANIMALS, "dog", display="Zebra of Mrs Smith")
    assert (found.result, found.cause) == (False, "invalid-display")
    assert "Smith" not in repr(proxy.requests())


def test_nothing_but_codes_and_definitions_goes_out(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    told = {
        **_CATS,
        "text": {"status": "generated", "div": "<div>by Dr Secret</div>"},
        "publisher": "Dr Secret",
    }
    both.validate_code(told, ANIMALS, "cat")
    assert "Secret" not in repr(proxy.requests())
    proxy.forget()
    for text in ("a\nb", "x" * 2000, ""):
        refused(lambda text=text: both.validate_code("", ANIMALS, text))  # type: ignore[misc]
    assert proxy.requests() == []


# --- who is asked


def test_what_is_known_here_is_told_to_nobody(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    assert both.validate_code(GENDERS, GENDER, "male").result
    assert not both.validate_code(GENDERS, GENDER, "nothing").result
    assert both.lookup(GENDER, "male").display == "Male"
    refused(lambda: both.lookup(GENDER, "nothing"))
    assert proxy.requests() == []


def test_other_systems_than_those_named_are_told_to_nobody(route: Route, proxy: FaultyProxy) -> None:
    both = route(systems=frozenset({"http://codes.example/plants"}))
    assert refused(lambda: both.validate_code("", ANIMALS, "cat")).category is Category.NOT_FOUND
    refused(lambda: both.lookup(ANIMALS, "cat"))
    assert proxy.requests() == []
    assert route(systems=frozenset({ANIMALS})).lookup(ANIMALS, "cat").display == "Cat"


def test_the_other_may_be_asked_first(route: Route, proxy: FaultyProxy) -> None:
    both = route(systems=frozenset({GENDER}), first="remote")
    assert both.validate_code(GENDERS, GENDER, "male").result
    assert len(proxy.requests()) == 1
    proxy.fault("html", status=500)
    assert both.validate_code(GENDERS, GENDER, "female").result, "what is here stands in"
    assert not both.validate_code(GENDERS, GENDER, "nothing").result


# --- what is kept


def test_answers_are_kept_for_a_while(route: Route, proxy: FaultyProxy) -> None:
    both = route(kept=0.5)
    for _ in range(5):
        assert both.validate_code(PETS, ANIMALS, "cat").result
    assert len(proxy.requests()) == 1
    time.sleep(0.6)
    assert both.validate_code(PETS, ANIMALS, "cat").result
    assert len(proxy.requests()) == 2


def test_no_more_is_kept_than_allowed(route: Route) -> None:
    both = route(most_kept=3)
    for code in CODES:
        both.validate_code(PETS, ANIMALS, code)
    assert len(both.there._kept) == 3


def test_many_who_ask_the_same_are_one(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    proxy.fault("slow", seconds=0.3)

    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(asyncio.to_thread(both.validate_code, PETS, ANIMALS, "cat") for _ in range(8))
        )

    assert all(found.result for found in asyncio.run(ask()))
    assert len(proxy.requests()) == 1


# --- what goes wrong

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("html", {}),
    ("html", {"status": 500}),
    ("html", {"status": 404}),
    ("drop", {}),
    ("redirect", {"to": "http://127.0.0.1:1/elsewhere"}),
    ("answer", {"body": {"resourceType": "Patient"}}),
    ("answer", {"body": {"resourceType": "Parameters"}}),
    (
        "answer",
        {"body": {"resourceType": "Parameters", "parameter": [{"name": "result", "valueString": "false"}]}},
    ),
    ("answer", {"body": ["no", "resource"]}),
    ("answer", {"body": {"resourceType": "Parameters"}, "status": 503}),
]


@pytest.mark.parametrize(("kind", "how"), WRONG)
def test_a_wrong_answer_is_none(route: Route, proxy: FaultyProxy, kind: str, how: dict[str, Any]) -> None:
    both = route()
    proxy.fault(kind, **how)
    refusal = refused(lambda: both.validate_code(PETS, ANIMALS, "rock"))
    assert refusal.category is Category.BUSY
    assert refusal.issues[0].code == "transient"
    assert refusal.headers["Retry-After"]
    assert "rock" not in str(refusal.issues)
    proxy.fault()
    assert not both.validate_code(PETS, ANIMALS, "rock").result, "nothing of it was kept"


def test_a_huge_answer_is_cut_off(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    proxy.fault("huge")
    assert refused(lambda: both.validate_code(PETS, ANIMALS, "cat")).issues[0].code == "not-found"


def test_false_for_want_of_knowledge_is_no_false(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    false = {"name": "result", "valueBoolean": False}
    unknown = {"name": "x-caused-by-unknown-system", "valueCanonical": ANIMALS}
    issue = {
        "severity": "error",
        "code": "not-found",
        "details": {
            "coding": [{"system": "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type", "code": "not-found"}]
        },
    }
    issues = {"name": "issues", "resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
    for more in ([unknown], [issues], []):
        body = {"resourceType": "Parameters", "parameter": [false, *more]}
        proxy.fault("answer", body=body)
        assert refused(lambda: both.validate_code("", ANIMALS, "rock")).category is Category.NOT_FOUND
        both.there.forget()


def test_what_the_other_does_not_know_is_refused_as_here(route: Route) -> None:
    both = route()
    for ask in (
        lambda: both.validate_code("", "http://codes.example/plants", "rose"),
        lambda: both.validate_code("http://nowhere.example/vs", ANIMALS, "cat"),
        lambda: both.lookup("http://codes.example/plants", "rose"),
        lambda: both.expand("http://nowhere.example/vs"),
        lambda: both.lookup(ANIMALS, "nothing"),
    ):
        assert refused(ask).issues[0].code == "not-found"


def test_a_slow_one_is_not_waited_for(route: Route, proxy: FaultyProxy) -> None:
    both = route(timeout=0.4)
    proxy.fault("slow", seconds=5)
    started = time.monotonic()
    refusal = refused(lambda: both.validate_code(PETS, ANIMALS, "cat"))
    assert time.monotonic() - started < 2
    assert (refusal.category, refusal.issues[0].code) == (Category.BUSY, "timeout")


def test_one_attempt_more(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    proxy.fault("html", status=503, times=1)
    assert both.validate_code(PETS, ANIMALS, "cat").result
    assert len(proxy.requests()) == 2


def test_one_that_fails_again_and_again_is_left_alone(route: Route, proxy: FaultyProxy) -> None:
    both = route(failures=2, pause=0.4, attempts=1)
    proxy.fault("html", status=500)
    for _ in range(6):
        refused(lambda: both.validate_code(PETS, ANIMALS, "cat"))
    assert len(proxy.requests()) == 2
    assert both.there.is_paused
    assert both.validate_code(GENDERS, GENDER, "male").result, "what is here is not touched by it"
    proxy.fault()
    time.sleep(0.5)
    assert both.validate_code(PETS, ANIMALS, "cat").result
    assert not both.there.is_paused


def test_an_event_loop_never_waits(route: Route, proxy: FaultyProxy) -> None:
    both = route()
    proxy.fault("slow", seconds=1)

    async def on_the_loop() -> float:
        started = time.monotonic()
        refused(lambda: both.validate_code(PETS, ANIMALS, "cat"))
        assert both.validate_code(GENDERS, GENDER, "male").result
        return time.monotonic() - started

    assert asyncio.run(on_the_loop()) < 0.5
    assert proxy.requests() == []
    proxy.fault()
    assert both.validate_code(PETS, ANIMALS, "cat").result

    async def kept() -> bool:
        return both.validate_code(PETS, ANIMALS, "cat").result

    assert asyncio.run(kept())


# --- who we are, and where we may go


def test_a_token_that_is_refused(route: Route) -> None:
    both = route(token="wrong")
    assert refused(lambda: both.lookup(ANIMALS, "cat")).issues[0].code == "transient"


def test_as_a_backend_service(remote: ServerProcess, proxy: FaultyProxy, tmp_path: Path) -> None:
    """SMART Backend Services: the token endpoint is found, asked with a signed assertion, through the guard."""
    key = tmp_path / "key.json"
    key.write_text(json.dumps(KEY.as_dict(private=True)))
    table = {
        "server": f"{proxy.url}/fhir",
        "client_id": "asker",
        "client_key_file": str(key),
        "scope": "system/*.rs",
        "allow_private": True,
        "allow_http": True,
    }
    server = remote_server(parse_terminology(table, tmp_path), Secrets())
    try:
        assert server.lookup(ANIMALS, "cat").display == "Cat"
    finally:
        server.close()
    closed = remote_server(parse_terminology({**table, "allow_private": False}, tmp_path), Secrets())
    with pytest.raises(Unavailable):
        closed.lookup(ANIMALS, "dog")
    closed.close()


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"first": "remote"}, "server"),
        ({"server": "http://tx.example/r4"}, "server"),
        ({"server": "https://u:p@tx.example/r4"}, "server"),
        ({"server": "ftp://tx.example"}, "server"),
        ({"server": "https://tx.example", "first": "remote"}, "first"),
        ({"server": "https://tx.example", "timeout_seconds": 0}, "timeout_seconds"),
        ({"server": "https://tx.example", "client_id": "x"}, "client_id"),
        ({"server": "https://tx.example", "ca_file": "nowhere.pem"}, "ca_file"),
        ({"server": "https://tx.example", "allowed_addresses": ["x"]}, "allowed_addresses"),
    ],
)
def test_wrong_settings_are_named(table: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting) as caught:
        parse_terminology(table, tmp_path)
    assert caught.value.setting == named


def test_addresses_inside_are_closed_unless_they_are_opened(route: Route, proxy: FaultyProxy) -> None:
    both = route(allowed=Egress(Addresses(), allow_http=True))
    assert refused(lambda: both.lookup(ANIMALS, "cat")).category is Category.BUSY
    both = route(allowed=Egress(Addresses(allow_private=True)))
    assert refused(lambda: both.lookup(ANIMALS, "cat")).category is Category.BUSY
    assert proxy.requests() == []


# --- a server that has one


@pytest.fixture(scope="module")
def asking(
    remote: ServerProcess, shared_proxy: FaultyProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("asking")
    token = folder / "tx-token"
    token.touch(0o600)
    token.write_text(remote.token)
    table = f'\n[terminology]\nserver = "{shared_proxy.url}/fhir"\nallow_private = true\nallow_http = true\n'
    with ServerProcess(folder, settings=f'{table}token_file = "{token}"\nfailures = 100\n') as server:
        yield server


def test_a_server_asks_another(asking: ServerProcess, proxy: FaultyProxy) -> None:
    with httpx.Client(base_url=asking.base, headers=asking.headers, timeout=20) as http:
        for code in ("tabby", "rock"):
            coding = {"system": ANIMALS, "code": code}
            body = {"resourceType": "Observation", "status": "final", "code": {"coding": [coding]}}
            http.post("/Observation", json=body).raise_for_status()
        found = http.get("/Observation", params={"code:in": PETS}).json()
        assert [e["resource"]["code"]["coding"][0]["code"] for e in found["entry"]] == ["tabby"]
        found = http.get("/Observation", params={"code:not-in": PETS}).json()
        assert [e["resource"]["code"]["coding"][0]["code"] for e in found["entry"]] == ["rock"]
        found = http.get("/Observation", params={"code:below": f"{ANIMALS}|cat"}).json()
        assert len(found["entry"]) == 1
        answer = http.get("/Observation", params={"code:below": "http://codes.example/plants|rose"})
        assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (400, ["http.code:below"])
        proxy.fault("html", status=500)
        answer = http.get("/Observation", params={"code:in": "http://other.example/vs"})
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (503, "transient")
        figures = httpx.get(f"{asking.root}/metrics", headers=asking.headers_of("admin")).text
        assert 'credence_terminology_remote_total{operation="expand",outcome="answered"}' in figures


def test_its_operations_go_on_to_the_other(asking: ServerProcess, proxy: FaultyProxy) -> None:
    with httpx.Client(base_url=asking.base, headers=asking.headers, timeout=20) as http:

        def ask(path: str, **given: str) -> dict[str, Any]:
            answer = http.get(path, params=given)
            body: dict[str, Any] = answer.json()
            if body["resourceType"] != "Parameters":
                return {"status": answer.status_code, **body}
            return {name: values[0] for name, values in members(body).items()}

        assert ask("/CodeSystem/$lookup", system=ANIMALS, code="dog")["display"] == "Dog"
        assert (
            ask("/CodeSystem/$subsumes", system=ANIMALS, codeA="cat", codeB="tabby")["outcome"] == "subsumes"
        )
        found = ask("/ValueSet/$expand", url=PETS)["expansion"]["contains"]
        assert {"cat", "tabby"} <= set(re.findall(r"'code': '(\w+)'", repr(found)))
        asked = {"url": PETS, "system": ANIMALS}
        assert ask("/ValueSet/$validate-code", code="cat", **asked)["result"] is True
        assert ask("/ValueSet/$validate-code", code="rock", **asked)["result"] is False
        assert (
            ask("/CodeSystem/$validate-code", url=ANIMALS, code="cat", display="Mrs Smith")["result"] is False
        )
        assert ask("/CodeSystem/$validate-code", url=ANIMALS, code="nothing")["result"] is False
        assert "Smith" not in repr(proxy.requests())
        proxy.fault("html", status=500)
        for path, name in (("/CodeSystem/$lookup", "system"), ("/CodeSystem/$validate-code", "url")):
            down = ask(path, **{name: ANIMALS, "code": "animal"})
            assert (down["status"], down["issue"][0]["code"]) == (503, "transient"), path
        plants = {"system": "http://codes.example/plants", "code": "rose"}
        assert ask("/CodeSystem/$lookup", **plants)["status"] == 503
        proxy.fault()
        assert ask("/CodeSystem/$lookup", **plants)["status"] in (404, 422)


def test_a_binding_is_checked_by_the_other(asking: ServerProcess, proxy: FaultyProxy) -> None:
    profile = {
        "resourceType": "StructureDefinition",
        "url": "http://here.example/StructureDefinition/pet",
        "name": "Pet",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {
            "element": [
                {
                    "id": "Observation.code",
                    "path": "Observation.code",
                    "binding": {"strength": "required", "valueSet": PETS},
                }
            ]
        },
    }
    with httpx.Client(base_url=asking.base, headers=asking.headers, timeout=20) as http:
        http.post("/StructureDefinition", json=profile).raise_for_status()

        def issues(code: str) -> set[tuple[str, str]]:
            coding = {"system": ANIMALS, "code": code}
            body = {"resourceType": "Observation", "status": "final", "code": {"coding": [coding]}}
            url = f"/Observation/$validate?profile={profile['url']}"
            found = http.post(url, json=body).json()["issue"]
            return {(one["severity"], one["code"]) for one in found if "code" in repr(one.get("expression"))}

        assert ("error", "code-invalid") in issues("rock")
        assert not {severity for severity, _ in issues("cat")} & {"error", "warning"}
        proxy.fault("html", status=500)
        assert ("warning", "not-found") in issues("dog"), "not checked, and no error"
        proxy.fault()
        assert not {severity for severity, _ in issues("dog")} & {"error", "warning"}, "asked again"


def test_the_doctor_asks_it(asking: ServerProcess, proxy: FaultyProxy) -> None:
    settings = load_settings(asking.config)

    def found() -> tuple[Grade, str]:
        (one,) = asyncio.run(terminology(settings))
        return one.grade, one.words

    assert found()[0] is Grade.GOOD and "code systems" in found()[1]
    proxy.fault("html", status=500)
    assert found()[0] is Grade.ERROR and "does not answer" in found()[1]


def test_codes_are_translated_by_the_other(
    asking: ServerProcess, remote: ServerProcess, proxy: FaultyProxy
) -> None:
    german = {"code": "cat", "target": [{"code": "Katze", "equivalence": "equivalent"}]}
    group = {"source": ANIMALS, "target": "http://codes.example/tiere", "element": [german]}
    url = "http://codes.example/ConceptMap/german"
    there = {"resourceType": "ConceptMap", "url": url, "status": "active", "group": [group]}
    httpx.post(f"{remote.base}/ConceptMap", json=there, headers=remote.headers).raise_for_status()
    with httpx.Client(base_url=asking.base, headers=asking.headers, timeout=20) as http:
        for more in ({"url": url}, {"targetsystem": group["target"]}):
            given = {"system": ANIMALS, "code": "cat", **more}
            found = http.get("/ConceptMap/$translate", params=given)
            assert "Katze" in found.text, found.text
        proxy.fault("html", status=500)
        down = http.get("/ConceptMap/$translate", params={"system": ANIMALS, "code": "dog", "url": url})
        assert (down.status_code, down.json()["issue"][0]["code"]) == (503, "transient")
