"""What an answer must be, whatever was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.model.validation import validate
from tests.fuzz.case import Case
from tests.fuzz.wire import Answer

_HIDDEN = ("traceback", "sqlite", "pymongo", 'file "/', "object at 0x", "none" + "type")
"""What an error text shows when it comes from inside."""


def problems(case: Case, answer: Answer) -> Iterator[str]:
    """Everything that is wrong with an answer."""
    if answer.status == 503 and "retry-after" in answer.headers:
        return  # a SearchParameter of one's own whose index is not ready yet: honest, and soon over
    if answer.status >= 500:
        yield f"answered {answer.status}: {_told(answer)}"
        return
    if answer.status < 200 or (300 <= answer.status < 400 and answer.status not in (303, 304)):
        yield f"answered {answer.status}"
    if case.method == "HEAD" or answer.status in (204, 304):
        return
    media = answer.headers.get("content-type", "")
    if "json" in media:
        yield from _json_problems(case, answer)
    elif answer.status >= 400:
        yield from _other_refusal(answer, media)


def _json_problems(case: Case, answer: Answer) -> Iterator[str]:
    try:
        body = loads(answer.body)
    except InvalidJson as error:
        yield f"answered {answer.status} with what is not JSON: {error}"
        return
    if answer.status >= 400:
        yield from outcome_problems(body, f"{answer.status}")
    elif case.kind == "bundle" and isinstance(body, dict) and body.get("resourceType") == "Bundle":
        yield from _bundle_problems(body)


def _other_refusal(answer: Answer, media: str) -> Iterator[str]:
    if "xml" not in media or b"<OperationOutcome" not in answer.body:
        yield f"answered {answer.status} without an OperationOutcome ({media or 'no content-type'})"


def outcome_problems(body: Json, status: str) -> Iterator[str]:
    """What a refusal lacks to be a valid OperationOutcome with a code and a text in each issue."""
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        yield f"answered {status} with something else than an OperationOutcome"
        return
    wrong = [one for one in validate(body) if one.severity in ("error", "fatal")]
    if wrong:
        flaw = f"{wrong[0].diagnostics} {wrong[0].expression}"
        yield f"answered {status} with an OperationOutcome that is not valid: {flaw}"
        return
    for issue in body["issue"]:
        text = issue.get("diagnostics") or issue.get("details", {}).get("text", "")
        if len(text.strip()) < 5:
            yield f"answered {status} with an issue without a text"
        if any(word in text.lower() for word in _HIDDEN):
            yield f"answered {status} with a text from the inside: {text[:200]}"
    if not any(issue["severity"] in ("error", "fatal") for issue in body["issue"]):
        yield f"answered {status} though no issue is an error"


def _bundle_problems(body: JsonObject) -> Iterator[str]:
    if not body["type"].endswith("-response"):
        return
    for number, entry in enumerate(body.get("entry", ())):
        status = entry["response"]["status"][:3]
        if status >= "500":
            yield f"entry {number} answered {status}: {entry['response'].get('outcome')}"
        elif status >= "400":
            yield from outcome_problems(entry["response"].get("outcome"), f"entry {number}: {status}")


def _told(answer: Answer) -> str:
    return re.sub(r"\s+", " ", answer.body[:300].decode("utf-8", "replace"))
