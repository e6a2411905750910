"""What the driver raises, as the categories every caller knows. The only place that maps PyMongo's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import BulkWriteError, ConnectionFailure, ExecutionTimeout, PyMongoError

from fhirserver.kernel.outcomes import Category, Refusal, refuse

DUPLICATE_KEY = 11000


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into a :class:`Refusal`. Texts of the server are left out: they show keys."""
    try:
        yield
    except PyMongoError as error:
        raise translate(error) from None


def translate(error: PyMongoError) -> Refusal:
    """BUSY where asking again may help, FAULT otherwise."""
    if isinstance(error, ConnectionFailure | ExecutionTimeout) or error.has_error_label(
        "RetryableWriteError"
    ):
        return refuse(Category.BUSY, "transient", "The database does not answer")
    code = getattr(error, "code", None)
    return refuse(Category.FAULT, "exception", f"The database failed: {type(error).__name__}, code {code}")


def duplicates(error: BulkWriteError) -> list[int]:
    """The indexes of the operations that met an existing key; raises ``error`` where others failed too."""
    details = error.details or {}
    failed = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in failed):
        raise error
    return [one["index"] for one in failed]
