"""The tables of a release, and of the rows that an import has written so far."""

from __future__ import annotations

FORMAT = 2
"""Changes where a reader would not understand what a writer wrote."""

ROWS = """
CREATE TABLE rows.concept (
    row INTEGER PRIMARY KEY, code TEXT NOT NULL, display TEXT NOT NULL, definition TEXT NOT NULL,
    flags INTEGER NOT NULL, status TEXT NOT NULL, extensions BLOB);
CREATE TABLE rows.designation (owner NOT NULL, value TEXT NOT NULL, language TEXT NOT NULL, use BLOB, extensions BLOB);
CREATE TABLE rows.property (
    owner NOT NULL, name INTEGER NOT NULL, value TEXT NOT NULL, type INTEGER NOT NULL, band INTEGER NOT NULL);
CREATE TABLE rows.parent (owner NOT NULL, parent NOT NULL);
CREATE TABLE rows.name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE rows.said (id INTEGER PRIMARY KEY, json BLOB NOT NULL UNIQUE);
CREATE TABLE rows.exact (hash INTEGER NOT NULL, rank INTEGER NOT NULL);
CREATE TABLE rows.progress (source TEXT PRIMARY KEY, done INTEGER NOT NULL);
"""
"""``owner`` is the row of a concept that came just before, or else its code. ``use`` and ``extensions`` are the
number of what many designations say, or else its JSON."""

RELEASE = """
CREATE TABLE main.concept (
    number INTEGER PRIMARY KEY, code TEXT NOT NULL, display TEXT NOT NULL, definition TEXT NOT NULL,
    flags INTEGER NOT NULL, status TEXT NOT NULL, more BLOB);
CREATE TABLE main.place (
    number INTEGER PRIMARY KEY, end INTEGER NOT NULL, parents BLOB, children BLOB, above BLOB, below BLOB);
CREATE TABLE main.graph (name TEXT PRIMARY KEY, numbers BLOB NOT NULL);
CREATE TABLE main.name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE main.said (id INTEGER PRIMARY KEY, json BLOB NOT NULL);
CREATE TABLE main.property (
    name INTEGER NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL, band INTEGER NOT NULL,
    PRIMARY KEY (name, value, number, band)) WITHOUT ROWID;
CREATE TABLE main.flag (name TEXT PRIMARY KEY, runs BLOB NOT NULL);
CREATE TABLE main.folded (code TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE main.ranked (rank INTEGER PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE main.exact (hash INTEGER NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY (hash, rank)) WITHOUT ROWID;
CREATE VIRTUAL TABLE main.words USING fts5 (
    text, content='', detail=none, columnsize=0, prefix='1 2 3 4 5',
    tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'");
CREATE TABLE main.step (name TEXT PRIMARY KEY);
CREATE TABLE main.about (
    format INTEGER NOT NULL, url TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, header BLOB NOT NULL);
"""
"""``place.above`` and ``place.below`` are empty where they are not kept (then there is a graph), and NULL where they
say no more than ``parents`` and ``end`` do."""

INACTIVE, ABSTRACT = 1, 2
FLAGS = {"inactive": INACTIVE, "abstract": ABSTRACT}
TYPES = ("string", "code", "integer", "boolean", "dateTime", "decimal", "Coding")
