"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How bad it is: an error ends ``credence doctor`` with 1."""

    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """``subject``: a word or two; ``words``: how it is; ``todo``: what to do next, empty where nothing is."""

    grade: Grade
    subject: str
    words: str
    todo: str = ""


def good(subject: str, words: str) -> Finding:
    return Finding(Grade.GOOD, subject, words)


def warning(subject: str, words: str, todo: str) -> Finding:
    return Finding(Grade.WARNING, subject, words, todo)


def error(subject: str, words: str, todo: str) -> Finding:
    return Finding(Grade.ERROR, subject, words, todo)
