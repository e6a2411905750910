"""Finding concepts by what one types: words that begin like it, the best first, without looking at all that fit.

Documents of the full-text index are numbered by rank: those with short displays first. SQLite reads matches in the
order of their numbers, so the first page is read and nothing else. Displays, designations and codes that are the text
itself are found by their hash and come before all others.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b

from fhirserver.kernel.json import JsonObject, loads

_AT_ONCE = 5_000
_MERGED_PAGES = 2_000
_LONGEST = 1_000
"""Characters of one text that are indexed, and that are searched for."""
MOST_WORDS = 24
_PLAIN_WORDS = re.compile("[a-z0-9]+").findall
_RANKED = "SELECT number, code, display, more FROM concept ORDER BY length(display), number"
_EXACT = "SELECT r.number FROM exact e JOIN ranked r ON r.rank = e.rank WHERE e.hash = ? ORDER BY e.rank"
_FITTING = """
SELECT r.number FROM words w CROSS JOIN ranked r ON r.rank = w.rowid WHERE w.words MATCH ? ORDER BY w.rowid"""
_FITTING_AMONG = """
SELECT r.number FROM words w CROSS JOIN ranked r ON r.rank = w.rowid
WHERE w.words MATCH ?1 AND substr(?2, -1 - r.number, 1) = x'31' ORDER BY w.rowid"""
"""Tested by SQLite, which takes half a microsecond for each that fits: a set may hold few of many."""
_HITS = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
MOST_COUNTED = 5_000
"""Concepts that fit are counted where they are no more than so many."""


def words_of(text: str) -> list[str]:
    """The words of a text: letters, digits and marks, as the index takes them apart."""
    return "".join(
        c if unicodedata.category(c)[0] in "LNM" or c.isalnum() else " " for c in text[:_LONGEST]
    ).split()


def exact_hash(text: str) -> int:
    """Of all texts that differ only in case, accents and what stands between the words."""
    if text.isascii():
        bare = " ".join(_PLAIN_WORDS(text[:_LONGEST].lower()))
    else:
        plain = unicodedata.normalize("NFKD", " ".join(words_of(text)).casefold())
        bare = "".join(c for c in plain if not unicodedata.combining(c))
    return int.from_bytes(blake2b(bare.encode(errors="replace"), digest_size=8).digest(), "big", signed=True)


def fill_words(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    """Concepts are sorted with all that is said of them, outside of memory: looked up one by one, in the order of
    their displays' lengths, each would be read from another page."""
    size = connection.execute("SELECT count(*) FROM concept").fetchone()[0]
    connection.execute("INSERT INTO words (words, rank) VALUES ('hashsize', 16777216)")
    found, rank = connection.execute(_RANKED), 0
    while rows := found.fetchmany(_AT_ONCE):
        texts = [
            (at, [code, display, *_spoken(more)]) for at, (_, code, display, more) in enumerate(rows, rank)
        ]
        connection.executemany(
            "INSERT INTO ranked VALUES (?, ?)", ((at, row[0]) for at, row in enumerate(rows, rank))
        )
        connection.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)", ((at, _text(said)) for at, said in texts)
        )
        connection.executemany(
            "INSERT INTO rows.exact VALUES (?, ?)",
            ((exact_hash(one), at) for at, said in texts for one in said if one),
        )
        rank += len(rows)
        yield rank, size


def _text(said: list[str]) -> str:
    text = " ".join(one[:_LONGEST] for one in said)
    return text if text.isascii() else text.casefold()  # what SQLite does not do: ß is ss


def _spoken(more: bytes | None) -> list[str]:
    return [value for value, *_ in loads(more)[0]] if more else []


def merge_words(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    """One segment instead of many, page by page."""
    merge = "INSERT INTO words (words, rank) VALUES ('merge', ?)"
    connection.execute(merge, (-_MERGED_PAGES,))
    turn, before = 0, -1
    while connection.total_changes - before > 1:
        before, turn = connection.total_changes, turn + 1
        connection.execute(merge, (_MERGED_PAGES,))
        yield turn, 0


def sort_exact(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    """In their order: written as they come, each would go to another page."""
    yield 0, 1
    connection.execute("INSERT OR IGNORE INTO exact SELECT hash, rank FROM rows.exact ORDER BY hash, rank")


def called(connection: sqlite3.Connection, text: str) -> Iterator[int]:
    """Numbers of concepts that have it as code, display or designation, short displays first."""
    for (number,) in connection.execute(_EXACT, (exact_hash(text),)):
        yield number


def search(connection: sqlite3.Connection, text: str, among: bytes = b"") -> Iterator[int]:
    """Numbers of concepts, best first; of all, or of those that ``among`` flags."""
    asked = _asked(text)
    if not asked:
        return
    exact = called(connection, text)
    first = dict.fromkeys(n for n in exact if not among or among[-1 - n : -n or None] == b"1")
    yield from first
    values = (asked, among) if among else (asked,)
    for (number,) in _fitting(connection, _FITTING_AMONG if among else _FITTING, *values):
        if number not in first:
            yield number


def count(connection: sqlite3.Connection, text: str, among: bytes = b"") -> int | None:
    """How many a search finds; None where more than :data:`MOST_COUNTED` of all concepts fit."""
    hits = next(_fitting(connection, _HITS, _asked(text), MOST_COUNTED + 1), (0,))[0] if _asked(text) else 0
    return None if hits > MOST_COUNTED else sum(1 for _ in search(connection, text, among))


def _asked(text: str) -> str:
    return " ".join(f'"{word}" *' for word in words_of(text.casefold())[:MOST_WORDS])


def _fitting(connection: sqlite3.Connection, statement: str, *values: object) -> Iterator[tuple[int]]:
    try:
        yield from connection.execute(statement, values)
    except sqlite3.OperationalError as error:
        if not re.search("phrase", str(error)):  # a word of letters that SQLite does not know as such
            raise
