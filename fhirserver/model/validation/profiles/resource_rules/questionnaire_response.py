"""QuestionnaireResponse against its Questionnaire, where that can be found.

https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.references import contained
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.resource_rules.answer_limits import broken_limits, occurrences
from fhirserver.model.validation.profiles.resource_rules.enable_when import Answers, is_enabled
from fhirserver.model.validation.profiles.resource_rules.questionnaire import ANSWER_TYPES, DEEPEST, items
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

Placed = list[tuple[JsonObject, Place]]
_FINISHED = frozenset({"completed", "amended"})


class _Form(NamedTuple):
    """The questionnaire, whether the answers are complete, and all of them by linkId."""

    questionnaire: JsonObject
    finished: bool
    answers: Answers


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Items where the questionnaire has them, answers of their types, required ones present."""
    url = text(resource, "questionnaire")
    if not url:
        run.add("required", "names no questionnaire, so its answers were not checked", place, "information")
        return
    found = _questionnaire(url, run)
    if found is None:
        where = (place, "questionnaire", -1)
        run.add(
            "not-found",
            "the questionnaire is not known here, so the answers were not checked",
            where,
            "warning",
        )
        return
    form = _Form(found, text(resource, "status") in _FINISHED, _answers(resource, place))
    _level(resource, found, form, place, run, 0)


def _questionnaire(url: str, run: Run) -> JsonObject | None:
    if url.startswith("#"):
        return contained(run.environment.root_resource, url)
    found = run.profiles.conformance.find(url, "Questionnaire")
    if found is None:
        found = run.resolved(Typed(url, "canonical"))
    return found if found is not None and found.get("resourceType") == "Questionnaire" else None


def _answers(resource: JsonObject, place: Place) -> Answers:
    """Answers by linkId, those of items below answers too."""
    found: Answers = defaultdict(list)
    stack: list[tuple[JsonObject, int]] = [(resource, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > DEEPEST:
            continue
        for item, _ in objects(node, "item", place):
            stack.append((item, depth + 1))
            for answer, _ in objects(item, "answer", place):
                found[text(item, "linkId")].append(answer)
                stack.append((answer, depth + 1))
    return found


def _level(node: JsonObject, asked: JsonObject, form: _Form, place: Place, run: Run, depth: int) -> None:
    """The items below a response, an item or an answer, against the items of the questionnaire there."""
    if depth > DEEPEST:
        return
    known = {text(item, "linkId"): item for item, _ in objects(asked, "item", place)}
    given: dict[str, Placed] = defaultdict(list)
    order = list(known)
    last = -1
    for item, at in objects(node, "item", place):
        run.beat()
        name = text(item, "linkId")
        if name not in known:
            _strange(name, form, at, run)
            continue
        if order.index(name) < last:
            run.add("structure", "stands in another order than in the questionnaire", at)
        last = max(last, order.index(name))
        given[name].append((item, at))
    for name, question in known.items():
        _question(question, given.get(name, []), form, place, run, depth)


def _strange(name: str, form: _Form, place: Place, run: Run) -> None:
    elsewhere = any(text(item, "linkId") == name for item, _ in items(form.questionnaire, place))
    words = "stands elsewhere in the questionnaire" if elsewhere else "is not in the questionnaire"
    run.add("structure", f"the item with this linkId {words}", (place, "linkId", -1))


def _question(question: JsonObject, given: Placed, form: _Form, place: Place, run: Run, depth: int) -> None:
    enabled = is_enabled(question, form.answers)
    if not given:
        if question.get("required") is True and enabled and form.finished:
            run.add("required", "a required item of the questionnaire is missing", (place, "item", -1))
        return
    if not enabled:
        for _, at in given:
            run.add("business-rule", "the item is not enabled, so it must not be answered", at)
    if len(given) > 1 and question.get("repeats") is not True:
        run.add("business-rule", "the item does not repeat", given[1][1])
    for item, at in given:
        _item(item, question, form, at, run, depth)


def _item(item: JsonObject, question: JsonObject, form: _Form, place: Place, run: Run, depth: int) -> None:
    kind, answers = text(question, "type"), list(objects(item, "answer", place))
    asked_text, given_text = text(question, "text"), text(item, "text")
    if asked_text and given_text and asked_text.split() != given_text.split():
        run.add("invalid", "has another text than the questionnaire", (place, "text", -1))
    if kind in ("group", "display"):
        if answers:
            run.add("structure", f"an item of the type {kind} has no answer", (place, "answer", -1))
        if kind == "group":
            _level(item, question, form, place, run, depth + 1)
        return
    if not answers and question.get("required") is True and form.finished:
        run.add("required", "no answer to a required item", place)
    if len(answers) > 1 and question.get("repeats") is not True:
        run.add("business-rule", "only one answer is allowed", (place, "answer", -1))
    _occurrences(len(answers), question, form, place, run)
    for answer, at in answers:
        _answer(answer, question, at, run)
        _level(answer, question, form, at, run, depth + 1)
    if next(objects(item, "item", place), None) is not None:
        run.add("structure", "items below a question stand below its answer", (place, "item", -1))


def _occurrences(count: int, question: JsonObject, form: _Form, place: Place, run: Run) -> None:
    least, most = occurrences(question)
    if count < least and form.finished:
        run.add("required", f"the questionnaire asks for at least {least} answers", (place, "answer", -1))
    if most is not None and count > most:
        run.add("structure", f"the questionnaire allows at most {most} answers", (place, "answer", -1))


def _answer(answer: JsonObject, question: JsonObject, place: Place, run: Run) -> None:
    kind, value = text(question, "type"), value_of(answer)
    if value is None:
        return
    allowed = ANSWER_TYPES.get(kind)
    if allowed is not None and value[0] not in allowed:
        run.add("structure", f"an item of the type {kind} cannot be answered with this type", place)
        return
    longest = question.get("maxLength")
    if isinstance(longest, int) and isinstance(value[1], str) and len(value[1]) > longest:
        run.add("too-long", f"is longer than the {longest} characters of the questionnaire", place)
    for words in broken_limits(value, question):
        run.add("value", words, place)
    if kind in ("choice", "open-choice"):
        _option(value, question, kind, place, run)


def _option(value: tuple[str, object], question: JsonObject, kind: str, place: Place, run: Run) -> None:
    """One of the options; an open choice may be text of its own."""
    if kind == "open-choice" and value[0] == "String":
        return
    options = [found for o, _ in objects(question, "answerOption", place) if (found := value_of(o))]
    if options and not any(_is_option(value, option) for option in options):
        run.add("code-invalid", "is none of the options of the questionnaire", place)
    value_set = text(question, "answerValueSet")
    if value_set and not value_set.startswith("#") and isinstance(value[1], dict) and value[0] == "Coding":
        held = run.codes.holds(value_set, text(value[1], "system"), text(value[1], "code"))
        if held is False and kind == "choice":
            run.add("code-invalid", f"is not in the value set {value_set} of the questionnaire", place)


def _is_option(value: tuple[str, object], option: tuple[str, object]) -> bool:
    given, offered = value[1], option[1]
    if isinstance(given, Mapping) and isinstance(offered, Mapping):
        if value[0] == "Coding":
            return all(given.get(name) == offered.get(name) for name in ("system", "code"))
        return given.get("reference") == offered.get("reference")
    return value[0] == option[0] and given == offered
