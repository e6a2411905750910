"""Links to forms: ``<form>.<until>.<signature>``, signed for one form, one patient and one purpose.

The form's id is random and says nothing; ``until`` are the seconds since 1970 in base 36. A signature can be checked
only with the form's own record, which names the patient: a link that was made up is as good as one of no form.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

Derive = Callable[..., Iterable[bytes]]
"""``ServerKey.derive_all``: the keys for a purpose, the one of now first."""
_PURPOSE = "a link to a form"
_SESSION = "somebody who has shown that a form is theirs"
_DIGITS = string.digits + string.ascii_lowercase
_SIGNED_BYTES = 16
SESSION_SECONDS = 2 * 3600


def new_form_id() -> str:
    """A fresh id: 96 random bits in hex."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says, before anything is checked."""

    form: str
    until: int
    signature: str


def parse(text: str) -> Link | None:
    """Read a link; None for what has not its shape."""
    form, _, rest = text.partition(".")
    until, _, signature = rest.partition(".")
    shaped = len(form) == 24 and all(c in string.hexdigits for c in form)
    if not shaped or not 1 <= len(until) <= 8 or not all(c in _DIGITS for c in until) or len(signature) != 32:
        return None
    return Link(form, int(until, 36), signature)


class Links:
    """Makes and checks links and the sessions of who has opened them, with keys derived from the server's."""

    def __init__(self, derive: Derive):
        self._derive = derive

    def make(self, form: str, until: int, patient: str, purpose: str) -> str:
        """The link to a form, good until then (seconds since 1970)."""
        stated = f"{form}.{_base36(until)}"
        return f"{stated}.{self._signed(_PURPOSE, stated, patient, purpose)[0]}"

    def is_ours(self, link: Link, patient: str, purpose: str) -> bool:
        """Whether it was made for this patient and purpose; not whether it is still good."""
        stated = f"{link.form}.{_base36(link.until)}"
        return _is_one_of(link.signature, self._signed(_PURPOSE, stated, patient, purpose))

    def session(self, form: str, patient: str, now: int) -> str:
        """What a browser keeps of having shown that the form is the patient's."""
        stated = f"{form}.{_base36(now + SESSION_SECONDS)}"
        return f"{stated}.{self._signed(_SESSION, stated, patient)[0]}"

    def is_session(self, text: str, form: str, patient: str, now: int) -> bool:
        """Whether that is what :meth:`session` gave for the form, and not too long ago."""
        kept = parse(text)
        if kept is None or kept.form != form or kept.until < now:
            return False
        return _is_one_of(kept.signature, self._signed(_SESSION, f"{form}.{_base36(kept.until)}", patient))

    def _signed(self, purpose: str, *parts: str) -> list[str]:
        text = b"".join(len(one).to_bytes(4, "big") + one for one in (part.encode() for part in parts))
        return [hmac.new(key, text, sha256).hexdigest()[: 2 * _SIGNED_BYTES] for key in self._derive(purpose)]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def _is_one_of(signature: str, ours: Iterable[str]) -> bool:
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(one.encode(), given) for one in ours)
