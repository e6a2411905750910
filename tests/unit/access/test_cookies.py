"""Cookies that hold secrets, and where a request comes from."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from fhirserver.access.cookies import SecretCookie, is_from_elsewhere

PERSON = SecretCookie("credence_person", "/auth", "lax")


def written(secure: bool) -> tuple[str, set[str]]:
    answer = Response()
    answer.set_cookie(**PERSON.kept("secret", 60, secure))
    pair, *words = answer.headers["set-cookie"].split("; ")
    return pair, {word.lower() for word in words}


def test_over_https_it_is_bound_to_the_host() -> None:
    """https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis: Secure, Path=/, and no Domain."""
    assert written(True) == (
        "__Host-credence_person=secret",
        {"httponly", "secure", "samesite=lax", "path=/", "max-age=60"},
    )


def test_without_it_it_goes_to_its_pages_only() -> None:
    pair, words = written(False)
    assert pair == "credence_person=secret" and words == {
        "httponly",
        "samesite=lax",
        "path=/auth",
        "max-age=60",
    }


def test_one_that_is_not_bound_to_the_host_is_none_over_https() -> None:
    assert PERSON.read({"credence_person": "set by another host"}, True) == ""
    assert PERSON.read({"__Host-credence_person": "ours"}, True) == "ours"


@pytest.mark.parametrize(
    ("site", "elsewhere"),
    [("same-origin", False), ("none", False), ("same-site", True), ("cross-site", True), ("odd", True)],
)
def test_only_pages_of_this_origin_and_people_themselves_ask(site: str, elsewhere: bool) -> None:
    assert is_from_elsewhere({"sec-fetch-site": site}) is elsewhere
    assert not is_from_elsewhere({})
