"""Links to forms, and sessions of who has opened them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.forms.links import SESSION_SECONDS, Links, new_form_id, parse
from fhirserver.access.server_key import FormerKey, ServerKey

KEY, OTHER = ServerKey(b"k" * 32), ServerKey(b"o" * 32)
LINKS = Links(KEY.derive_all)
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz."


@given(st.integers(0, 2**40), st.text(min_size=1), st.text())
def test_a_link_is_good_for_what_it_was_made_for(until: int, patient: str, purpose: str) -> None:
    id = new_form_id()
    link = parse(LINKS.make(id, until, patient, purpose))
    assert link is not None and (link.form, link.until) == (id, until)
    assert LINKS.is_ours(link, patient, purpose)
    assert not LINKS.is_ours(link, patient + "x", purpose)
    assert not LINKS.is_ours(link, patient, purpose + "x")
    assert not Links(OTHER.derive_all).is_ours(link, patient, purpose)


@given(st.data())
def test_a_changed_link_is_none(data: st.DataObject) -> None:
    made = LINKS.make("a" * 24, 1_800_000_000, "Patient/p", "x")
    place = data.draw(st.integers(0, len(made) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != made[place]))
    link = parse(made[:place] + other + made[place + 1 :])
    assert link is None or not LINKS.is_ours(link, "Patient/p", "x")


@given(st.text())
def test_anything_may_come_as_a_link(text: str) -> None:
    link = parse(text)
    assert link is None or not LINKS.is_ours(link, "Patient/p", "x")


def test_a_link_holds_nothing_of_the_patient_and_outlives_another_key() -> None:
    made = LINKS.make(new_form_id(), 1_800_000_000, "Patient/okafor", "after-call")
    assert "okafor" not in made and "call" not in made and len(made) < 70
    later = Links(ServerKey(b"n" * 32, [FormerKey(b"k" * 32, 2e9)], lambda: 1e9).derive_all)
    link = parse(made)
    assert link is not None and later.is_ours(link, "Patient/okafor", "after-call")


def test_a_session_is_of_one_form_and_ends() -> None:
    id = new_form_id()
    kept = LINKS.session(id, "Patient/p", 1000)
    assert LINKS.is_session(kept, id, "Patient/p", 1000 + SESSION_SECONDS)
    assert not LINKS.is_session(kept, id, "Patient/p", 1001 + SESSION_SECONDS)
    assert not LINKS.is_session(kept, new_form_id(), "Patient/p", 1000)
    assert not LINKS.is_session(kept, id, "Patient/q", 1000)
    link = LINKS.make(id, 1000 + SESSION_SECONDS, "Patient/p", "")
    assert not LINKS.is_session(link, id, "Patient/p", 1000), "a link is no session"
