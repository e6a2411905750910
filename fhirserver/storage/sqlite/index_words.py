"""The words of resources, for ``_text`` and ``_content``: a full-text index that follows the resources.

A write only marks its resource (a trigger does it, in some microseconds); the words are read when a search asks for
words, or when the server is idle. A document of the full-text index is never changed: a newer one takes its place,
and what has no row in ``search_document`` any more is passed over.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from fhirserver.kernel.json import loads
from fhirserver.search.expression import WordIs
from fhirserver.search.words import narrative_words, other_words

TABLES: Final = ("search_unread", "search_document")
"""The tables to empty for a rebuild; the trigger marks everything anew."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS search_document (
    document INTEGER PRIMARY KEY AUTOINCREMENT, pk INTEGER NOT NULL UNIQUE);
CREATE VIRTUAL TABLE IF NOT EXISTS search_words USING fts5 (
    narrative, other, content = '', detail = column, tokenize = 'unicode61 remove_diacritics 0');
CREATE TRIGGER IF NOT EXISTS search_unread_new AFTER INSERT ON resource BEGIN
    INSERT INTO search_unread SELECT new.pk
    WHERE NOT EXISTS (SELECT 1 FROM search_unread WHERE pk = new.pk); END;
CREATE TRIGGER IF NOT EXISTS search_unread_newer AFTER UPDATE OF version ON resource BEGIN
    INSERT INTO search_unread SELECT new.pk
    WHERE NOT EXISTS (SELECT 1 FROM search_unread WHERE pk = new.pk); END;
"""

_UNREAD: Final = "CREATE TABLE search_unread (pk INTEGER PRIMARY KEY)"
_STALE: Final = """
SELECT u.pk, r.content, r.deleted FROM search_unread u JOIN resource r ON r.pk = u.pk LIMIT ?
"""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables where they are missing; a file from before they were has everything unread."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search_unread'").fetchone()
    if known is None:
        connection.execute(_UNREAD)
        connection.execute("INSERT INTO search_unread SELECT pk FROM resource")
    connection.executescript(SCHEMA)


def is_unread(connection: sqlite3.Connection) -> bool:
    """Whether there are resources whose words are not known yet."""
    return connection.execute("SELECT 1 FROM search_unread LIMIT 1").fetchone() is not None


def read_some(connection: sqlite3.Connection, count: int) -> bool:
    """Read the words of at most ``count`` resources, in the writer's transaction; False when none are left."""
    if connection.execute("SELECT 1 FROM search_document LIMIT 1").fetchone() is None:
        connection.execute("INSERT INTO search_words (search_words) VALUES ('delete-all')")
    rows = connection.execute(_STALE, (count,)).fetchall()
    for pk, content, deleted in rows:
        connection.execute("DELETE FROM search_document WHERE pk = ?", (pk,))
        if not deleted:
            _add(connection, pk, content)
    connection.executemany("DELETE FROM search_unread WHERE pk = ?", [(row[0],) for row in rows])
    return len(rows) == count


def _add(connection: sqlite3.Connection, pk: int, content: bytes) -> None:
    resource = loads(content)
    document = connection.execute("INSERT INTO search_document (pk) VALUES (?)", (pk,)).lastrowid
    texts = " ".join(sorted(narrative_words(resource))), " ".join(sorted(other_words(resource)))
    connection.execute(
        "INSERT INTO search_words (rowid, narrative, other) VALUES (?, ?, ?)", (document, *texts)
    )


def matching(word: WordIs) -> str:
    """The query of the full-text index; a word consists of letters and digits, so nothing needs an escape."""
    of = "narrative : " if word.param == "_text" else ""
    return f'{of}"{word.word}"{" *" if word.starts else ""}'


def numbers_of(word: WordIs) -> tuple[str, tuple[Any, ...]]:
    """The numbers of the resources that have a word."""
    text = (
        "SELECT w_d.pk FROM search_words w_t CROSS JOIN search_document w_d ON w_d.document = w_t.rowid "
        "WHERE w_t.search_words MATCH ?"
    )
    return text, (matching(word),)
