"""Mapping files: what is wrong in them is said with its line, all at once, and with what was probably meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.rest import checking
from adapters.rest.document import InvalidMapping, read_document
from adapters.rest.fixtures import fixture_files, read_fixture, run_fixture
from adapters.rest.reading import load_mapping, parse_mapping, shipped
from fhirserver.app.commands.rest import fixture_folder
from fhirserver.app.commands.rest import run as command

GOOD = """\
mapping: 1
name: tiny
server:
  url: https://ehr.example.org
  auth: {kind: none}
resources:
  Patient:
    id: id
    list: {path: /patients}
    fhir:
      name[0].family: last
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidMapping) as error:
        parse_mapping("tiny.yaml", text)
    return [(problem.line, problem.text) for problem in error.value.problems]


def test_a_small_one_is_enough():
    mapping = parse_mapping("tiny", GOOD)
    assert list(mapping.resources) == ["Patient"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    list:", "    lists:", 9, "did you mean 'list'"),
        ("auth: {kind: none}", "auth: {kind: nine}", 5, "'nine' is not one of"),
        ("  Patient:", "  Pateint:", 7, "did you mean 'Patient'"),
        ("name[0].family", "name[0].familly", 11, "did you mean 'family'"),
        ("name[0].family", "name.family", 11, "needs an index"),
        ("name[0].family", "birthDate[0]", 11, "does not repeat"),
        ("family: last", "family: dat(last)", 11, "did you mean 'date'"),
        ("family: last", "family: last.[", 11, "no expression"),
        ("family: last", "family: code('sex', last)", 11, "no code map 'sex'"),
        ("{path: /patients}", "{path: '/patients/${x'}", 9, "never closed"),
        ("{path: /patients}", "{path: /patients, each: Location}", 9, "no resource here"),
        ("mapping: 1", "mapping: 2", 1, "1 was expected"),
        ("    id: id\n", "", 7, "'id' is a required property"),
        ("    id: id\n", "    id: id\n    id: no\n", 9, "twice"),
        ("    list: {path: /patients}\n", "", 7, "nothing could be pulled"),
        ("https://ehr", "ftp://ehr", 4, "does not match"),
        ("name: tiny", "name: &a tiny", 2, "no anchors"),
        ("name: tiny", "name: [", 4, "not YAML"),
    ],
)
def test_a_problem_names_its_line(old, new, line, words):
    assert old in GOOD
    found = problems(GOOD.replace(old, new))
    assert any(line == at and words in text for at, text in found), found


def test_all_problems_are_said_at_once():
    broken = GOOD.replace("list:", "lists:").replace("kind: none", "kind: nine")
    assert [line for line, _ in problems(broken)] == [5, 9]


def test_plain_words_are_text_and_not_what_yaml_makes_of_them():
    document = read_document("x", "a: no\nb: 08:30\nc: 12\nd: true\ne: '12'\nf: 1.50\ng: ~\nh: 2026-01-02")
    assert document.value == {
        **{"a": "no", "b": "08:30", "c": 12, "d": True, "e": "12"},
        **{"f": read_document("x", "f: 1.50").value["f"], "g": None, "h": "2026-01-02"},
    }


def test_a_bomb_of_aliases_is_refused():
    with pytest.raises(InvalidMapping, match="anchors"):
        read_document("x", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]")


@pytest.mark.parametrize(("step", "times"), [("[", 101), ("{a: ", 200_000), ("- ", 400_000), ("[", 900_000)])
def test_what_is_nested_without_end_is_refused(step, times):
    with pytest.raises(InvalidMapping, match=r"levels inside each other|nesting depth"):
        read_document("x", step * times)


def test_a_hundred_levels_are_read():
    read_document("x", "[" * 100 + "]" * 100)


@pytest.mark.parametrize("name", shipped())
def test_every_fixture_of_the_shipped_vendors_holds(name):
    files = fixture_files(fixture_folder(name))
    assert files
    mapping = load_mapping(name)
    for path in files:
        for result in run_fixture(mapping, path.stem, read_fixture(path)):
            assert not result.problems, (path, result)


@pytest.mark.parametrize("name", shipped())
def test_every_type_and_way_out_of_the_shipped_vendors_has_a_fixture(name):
    fixtures = [read_fixture(path) for path in fixture_files(fixture_folder(name))]
    mapping = load_mapping(name)
    assert {fixture["type"] for fixture in fixtures} == set(mapping.resources)
    sent = {
        (fixture["type"], one["name"])
        for fixture in fixtures
        for out in fixture.get("out", [])
        for one in out["sends"]
    }
    ways = {(type, action.name) for type, resource in mapping.resources.items() for action in resource.update}
    assert ways <= sent


def test_the_schema_in_the_docs_is_the_one_that_is_checked_by():
    served = Path(__file__).parents[4] / "docs" / "rest-mapping.schema.json"
    assert json.loads(served.read_text()) == checking.schema()


def test_check_says_what_is_wrong(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD.replace("list:", "lists:"))
    assert command(["check", str(file)]) == 1
    assert (
        "line 9: resources.Patient.lists: unknown: 'lists'; did you mean 'list'?" in capsys.readouterr().err
    )
    file.write_text(GOOD)
    assert command(["check", str(file)]) == 0
    assert command(["check", "nowhere.yaml"]) == 1


def test_explain_shows_every_element_and_what_would_be_sent(tmp_path, capsys):
    record = tmp_path / "record.json"
    record.write_text(
        '{"patientid": "7", "lastname": "Tester", "firstname": "Mina", "dob": "13/45/1990", "status": "active"}'
    )
    change = tmp_path / "change.json"
    change.write_text('{"name": [{"family": "Other", "given": ["Mina"]}]}')
    asked = ["explain", "athenahealth", "--record", str(record), "--type", "Patient", "--change", str(change)]
    assert command(asked) == 0
    told = capsys.readouterr().out
    assert "name[0].family" in told and "lastname" in told
    assert "not FHIR R4: " in told and "13/45/1990" in told
    assert "create: POST /v1/0/patients" in told
    assert "demographics: PUT /v1/0/patients/7\n    lastname = Other" in told


def test_test_runs_fixtures_beside_the_file_and_tells_differences(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD)
    (tmp_path / "mine").mkdir()
    fixture = tmp_path / "mine" / "one.json"
    fixture.write_text('{"type": "Patient", "record": {"id": 4, "last": "Tester"}, "fhir": {"name": []}}')
    assert command(["test", str(file)]) == 1
    assert "Patient.name[0]: is " in capsys.readouterr().out
    assert command(["test", str(file), "--accept"]) == 0
    assert json.loads(fixture.read_text())["fhir"]["name"] == [{"family": "Tester"}]
    assert command(["test", str(file)]) == 0
