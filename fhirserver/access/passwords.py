"""Passwords: which may be chosen, and how they are kept (Argon2id).

https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver: at least 15 characters where a password is all that is asked
for, no rules about kinds of characters, and none that are expected or common. https://www.rfc-editor.org/rfc/rfc9106
"""

from __future__ import annotations

import asyncio
import lzma
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARACTERS: Final = 15
"""Unless the settings say otherwise."""
FEWEST_ALLOWED: Final = 8
"""Which the settings may not go below."""
MOST_CHARACTERS: Final = 256
_ALPHABETS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "azertyuiop",
)
_LEAST_OWN: Final = 8
"""How many characters a password has beside the name of whose it is."""
_LEAST_DIFFERENT: Final = 5
_PART: Final = re.compile(r"\w{3,}")


class UnfitPassword(ValueError):
    """The password may not be chosen. The message says why, and holds nothing of it."""


class PasswordRules:
    """Which passwords may be chosen. ``least``: characters. Raises ValueError for fewer than may be asked for."""

    def __init__(self, least: int = LEAST_CHARACTERS):
        if not FEWEST_ALLOWED <= least <= MOST_CHARACTERS:
            raise ValueError(f"passwords have at least {FEWEST_ALLOWED} characters")
        self.least = least

    def check(self, password: str, about: Iterable[str] = ()) -> None:
        """Raises :class:`UnfitPassword`. ``about``: login and names of whose it is, which do not make it long."""
        text = _plain(password)
        if len(text) < self.least:
            raise UnfitPassword(f"the password has at least {self.least} characters")
        if len(text) > MOST_CHARACTERS:
            raise UnfitPassword(f"the password has at most {MOST_CHARACTERS} characters")
        folded = text.casefold()
        if len(set(folded)) < min(_LEAST_DIFFERENT, self.least):
            raise UnfitPassword("the password repeats a few characters")
        if _is_common(folded):
            raise UnfitPassword("the password is, or is made of, passwords that many people have")
        if len(_without(folded, about)) < min(_LEAST_OWN, self.least):
            raise UnfitPassword("the password is little more than your own name, or that of this product")


def _plain(password: str) -> str:
    """One form of all the ways to write the same characters, so that a password can be typed on any keyboard."""
    return unicodedata.normalize("NFKC", password)


def _is_common(folded: str) -> bool:
    """Whether it is a common one, two of them, or one over and over."""
    if _expected(folded):
        return True
    once = _repeated(folded)
    if once != folded and _expected(once):
        return True
    return any(_expected(folded[:cut]) and _expected(folded[cut:]) for cut in range(1, len(folded)))


def _expected(text: str) -> bool:
    return text in _common() or any(text in row * 2 or text[::-1] in row * 2 for row in _ALPHABETS)


def _repeated(text: str) -> str:
    """What a text repeats, the last time perhaps not to its end; the text itself where it repeats nothing."""
    for length in range(1, len(text) // 2 + 1):
        if (text[:length] * (len(text) // length + 1))[: len(text)] == text:
            return text[:length]
    return text


def _without(folded: str, about: Iterable[str]) -> str:
    names = [part for text in (*about, "credence") for part in _PART.findall(_plain(text).casefold())]
    for name in sorted(names, key=len, reverse=True):
        folded = folded.replace(name, "")
    return folded


@cache
def _common() -> frozenset[str]:
    """The twenty thousand passwords that were found most often in what was stolen elsewhere."""
    packed = files("fhirserver.access").joinpath("data", "common_passwords.txt.xz").read_bytes()
    return frozenset(lzma.decompress(packed).decode().split("\n"))


class PasswordDigests:
    """Makes and checks digests, a few at a time and beside the event loop: each takes much memory and time on purpose.

    The parameters are those of RFC 9106 for where 2 GiB are too much.
    """

    def __init__(
        self, time_cost: int = 3, memory_kib: int = 64 * 1024, parallelism: int = 4, at_once: int = 2
    ):
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism)
        self._turns = asyncio.Semaphore(at_once)
        self._nobody = ""

    async def make(self, password: str) -> str:
        """The digest to keep, with its parameters and salt."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def verify(self, digest: str, password: str) -> bool:
        """Whether the password is the one of this digest. An empty one is nobody's, and takes as long to find wrong."""
        known = digest or await self._of_nobody()
        async with self._turns:
            right = await asyncio.to_thread(self._is_right, known, password)
        return right and bool(digest)

    def is_outdated(self, digest: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(digest)

    def _is_right(self, digest: str, password: str) -> bool:
        if len(password) > MOST_CHARACTERS:
            password = ""
        try:
            return self._hasher.verify(digest, _plain(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _of_nobody(self) -> str:
        if not self._nobody:
            self._nobody = await self.make("the password of nobody at all")
        return self._nobody
