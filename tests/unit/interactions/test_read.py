"""read and vread. https://hl7.org/fhir/R4/http.html#read https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from tests.facade import Facade, expressions, issues, patient


async def test_read_answers_with_etag_and_last_modified(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.get("Patient/p")
    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert answer.json()["meta"]["versionId"] == "1"


async def test_read_of_what_never_was_is_404(server: Facade) -> None:
    answer = await server.ehr.get("Patient/nobody")
    assert answer.status_code == 404
    assert issues(answer)[0]["code"] == "not-found"


async def test_read_of_what_was_deleted_is_410_with_the_version_of_the_deletion(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr("DELETE", "Patient/p")
    answer = await server.ehr.get("Patient/p")
    assert answer.status_code == 410
    assert answer.headers["etag"] == 'W/"2"'
    assert issues(answer)[0]["code"] == "deleted"


async def test_conditional_read_is_304_without_a_body(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    first = await server.ehr.get("Patient/p")
    for header in (
        {"if_none_match": 'W/"1"'},
        {"if_none_match": '"0", W/"1"'},
        {"if_none_match": "*"},
        {"if_modified_since": first.headers["last-modified"]},
        {"if_modified_since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ):
        answer = await server.ehr.get("Patient/p", **header)
        assert (answer.status_code, answer.content) == (304, b""), header
        assert answer.headers["etag"] == 'W/"1"'
    for header in ({"if_none_match": 'W/"2"'}, {"if_modified_since": "Fri, 01 Jan 1999 00:00:00 GMT"}):
        assert (await server.ehr.get("Patient/p", **header)).status_code == 200, header


async def test_head_answers_as_get_without_a_body(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    got, head = await server.ehr.get("Patient/p"), await server.ehr("HEAD", "Patient/p")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]
    assert (await server.ehr("HEAD", "Patient/nobody")).status_code == 404


async def test_vread_answers_with_each_version(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="female"))
    await server.ehr("DELETE", "Patient/p")
    genders = [(await server.ehr.get(f"Patient/p/_history/{n}")).json().get("gender") for n in (1, 2)]
    assert genders == ["male", "female"]
    assert (await server.ehr.get("Patient/p/_history/1")).headers["etag"] == 'W/"1"'
    assert (await server.ehr.get("Patient/p/_history/3")).status_code == 410
    for wrong in ("4", "0", "01", "x", "99999999999999999999999", "²"):
        answer = await server.ehr.get(f"Patient/p/_history/{wrong}")
        assert answer.status_code == 404, wrong
        assert issues(answer)[0]["code"] == "not-found"


async def test_read_of_parts(server: Facade) -> None:
    await server.ehr.put(
        patient(
            "p",
            gender="female",
            text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        )
    )
    elements = (await server.ehr.get("Patient/p?_elements=gender")).json()
    assert elements.keys() == {"resourceType", "id", "meta", "gender"}
    assert {tag["code"] for tag in elements["meta"]["tag"]} >= {"SUBSETTED"}
    assert "text" not in (await server.ehr.get("Patient/p?_summary=data")).json()
    assert "gender" not in (await server.ehr.get("Patient/p?_summary=text")).json()
    assert "text" not in (await server.ehr.get("Patient/p?_summary=true")).json()


async def test_a_lenient_read_passes_over_parameters_it_does_not_have(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for path in ("Patient/p", "Patient/p/_history/1", "metadata"):
        answer = await server.ehr.get(f"{path}?_=1700000000", prefer="handling=lenient")
        assert answer.status_code == 200, answer.text
        assert (await server.ehr.get(f"{path}?_=1700000000")).status_code == 400


async def test_read_refuses_parameters_it_does_not_have(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for query, name in (
        ("name=x", "name"),
        ("_summary=count", "_summary"),
        ("_elements=nonsense", "_elements"),
    ):
        answer = await server.ehr.get(f"Patient/p?{query}")
        assert answer.status_code == 400, query
        assert expressions(answer) == [f"http.{name}"]
