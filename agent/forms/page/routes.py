"""``/forms/{link}``: the page, its fields saved one by one, and the same as plain forms without a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from agent.forms.answers import Unreadable, read
from agent.forms.catalogue import CATALOGUE, QUESTIONS
from agent.forms.filling import Closed, Filling, LinkClosed, OpenForm
from agent.forms.page.texts import OF_CLOSED, TEXTS, language_asked
from agent.forms.page.view import CHECK, Shown, groups, lines, steps
from agent.forms.pictures import MOST_BYTES, kind_of, read_off
from agent.forms.questions import DATE, PHOTO, Words
from agent.forms.requirements import BIRTH_DATE
from agent.forms.task import FormTask
from fhirserver.kernel.json import InvalidJson, Json, loads
from fhirserver.kernel.outcomes import Category, Refusal

HERE = Path(str(files("agent.forms.page")))
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
}
SESSION, LANGUAGE = "credence_form", "credence_form_language"
MOST_TRIES = 8
"""So many birth dates may be tried on one form, right or wrong, before it is locked."""
_BODY_BYTES = 65_536
_MULTIPART_BYTES = MOST_BYTES + _BODY_BYTES
_LONGEST_LINK = 80


class Guard(Protocol):
    """Counts who comes with links that open nothing."""

    def check(self, request: Request) -> None:
        """Refuses (429) who came with too many."""
        ...

    def failed(self, request: Request) -> None:
        """Somebody came with one. Refuses (429) where that is too often."""
        ...

    def note(self, request: Request, form: str, patient: str, status: int) -> None:
        """What was answered, for the audit: by the form's id, never by the link."""
        ...


class Attempts(Protocol):
    """Counts birth dates that were tried on a form, for all processes."""

    async def count(self, form: str, until: int) -> int:
        """One more try; how many it were with it. Kept until then, in seconds since 1970."""
        ...

    async def forget(self, form: str) -> None: ...


@dataclass
class Visit:
    """One request for a form that is open, by somebody."""

    request: Request
    link: str
    task: FormTask
    form: OpenForm
    shown: Shown
    needs_identity: bool


@dataclass
class Pages:
    """The handlers. ``prefix`` is the path under which they are seen from outside; ``secure``: by https."""

    filling: Filling
    guard: Guard
    attempts: Attempts
    prefix: str = "/forms"
    secure: bool = False
    _templates: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(
            loader=loader, autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
        )

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return [
            Mount("/forms/static", StaticFiles(directory=HERE / "static")),
            Route("/forms/{link}", self._open(self._show), methods=["GET"]),
            Route("/forms/{link}", self._open(self._step), methods=["POST"]),
            Route("/forms/{link}/identify", self._open(self._identify), methods=["POST"]),
            Route("/forms/{link}/answers", self._open(self._answers), methods=["POST"]),
            Route("/forms/{link}/photo", self._open(self._photo), methods=["POST"]),
            Route("/forms/{link}/send", self._open(self._send), methods=["POST"]),
        ]

    # the way in

    def _open(self, page: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            form, patient = "", ""
            try:
                self.guard.check(request)
                if request.method != "GET" and _is_from_elsewhere(request):
                    raise LinkClosed(Closed.UNKNOWN)
                visit = await self._visit(request)
                form, patient = visit.task.id, visit.task.patient
                answer = await page(visit)
            except LinkClosed as closed:
                form, patient = closed.form or form, closed.patient or patient
                answer = self._closed(request, closed)
            except Refusal as refusal:
                answer = self._refused(request, refusal)
            self.guard.note(request, form, patient, answer.status_code)
            return answer

        return guarded

    async def _visit(self, request: Request) -> Visit:
        link = request.path_params["link"]
        try:
            task = await self.filling.opened(link if len(link) <= _LONGEST_LINK else "")
        except LinkClosed as closed:
            if closed.why is Closed.UNKNOWN:
                self.guard.failed(request)
            raise
        form = await self.filling.load(task)
        has_birth_date = len(str(form.patient.get("birthDate", ""))) == len("2000-01-01")
        asked = form.needs.identify == BIRTH_DATE and has_birth_date
        theirs = self._is_theirs(request, task.id, task.patient)
        return Visit(
            request, link, task, form, Shown(_language(request), asked and theirs), asked and not theirs
        )

    def _is_theirs(self, request: Request, form: str, patient: str) -> bool:
        kept = request.cookies.get(SESSION, "")
        now = int(self.filling.office.clock.now().timestamp())
        return self.filling.office.links.is_session(kept, form, patient, now)

    # pages

    async def _show(self, visit: Visit) -> Response:
        if visit.needs_identity:
            return self._identity(visit)
        visit.form = await self.filling.reshaped(visit.form)
        return self._at(visit, visit.request.query_params.get("step", ""))

    def _at(
        self,
        visit: Visit,
        step: str,
        errors: Mapping[str, Words] | None = None,
        typed: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """One step of the form, the first where none is named."""
        all_steps = steps(visit.form)
        step = step if step in all_steps else all_steps[0]
        place = all_steps.index(step)
        values: dict[str, Any] = {
            "step": step,
            "steps": all_steps,
            "place": place,
            "before": all_steps[place - 1] if place else "",
            "errors": errors or {},
        }
        if step == CHECK:
            return self._page(visit, "check.html", status, lines=lines(visit.form, visit.shown), **values)
        shown = groups(visit.form, step, visit.shown, errors or {}, typed or {})
        return self._page(visit, "step.html", status, groups=shown, **values)

    async def _step(self, visit: Visit) -> Response:
        """A step as a plain form: all its fields are saved, then it goes on, back, or here again with what is wrong."""
        if visit.needs_identity:
            return _see("?")
        given, pictures = await _form(visit.request)
        step = visit.request.query_params.get("step", "")
        saved = await self.filling.save(visit.form, given)
        visit.form, errors = saved.form, dict(saved.errors)
        for link, picture in pictures.items():
            errors |= await self._pictured(visit, link, picture)
        all_steps = steps(visit.form)
        place = all_steps.index(step) if step in all_steps else 0
        if errors:
            typed = {
                link: str(value) for link, value in given.items() if link in errors and isinstance(value, str)
            }
            return self._at(visit, all_steps[place], errors, typed, 422)
        return _see(f"?step={all_steps[min(place + 1, len(all_steps) - 1)]}")

    async def _identify(self, visit: Visit) -> Response:
        """The birth date of the patient: as often as :data:`MOST_TRIES`, then nobody comes in any more."""
        texts = TEXTS[visit.shown.language]
        if not visit.needs_identity:
            return _see(f"../{visit.link}")
        given, _ = await _form(visit.request)
        try:
            day = read(QUESTIONS["birth-date"], given.get("birth-date", ""), date.max)
        except Unreadable as error:
            return self._identity(visit, 422, error.words[visit.shown.language], given)
        if not day:
            return self._identity(visit, 422, texts["identify_empty"], given)
        tried = await self.attempts.count(visit.task.id, int(visit.task.until.timestamp()))
        if tried > MOST_TRIES:
            await self.filling.lock(visit.task)
            raise LinkClosed(Closed.LOCKED, visit.task.id, visit.task.patient)
        if day != visit.form.patient.get("birthDate"):
            self.guard.failed(visit.request)
            return self._identity(visit, 403, texts["identify_wrong"], given)
        await self.attempts.forget(visit.task.id)
        at = _step_asked(visit)
        return self._let_in(visit, _see(f"../{visit.link}{f'?step={at}' if at else ''}"))

    def _identity(
        self, visit: Visit, status: int = 200, error: str = "", given: Mapping[str, Json] | None = None
    ) -> Response:
        """The question whose form it is, with what was typed; what was asked for follows it."""
        day = (given or {}).get("birth-date")
        parts = tuple(str(day.get(part, "")) if isinstance(day, dict) else "" for part in ("m", "d", "y"))
        return self._page(visit, "identify.html", status, error=error, parts=parts, at=_step_asked(visit))

    def _let_in(self, visit: Visit, answer: Response) -> Response:
        now = int(self.filling.office.clock.now().timestamp())
        kept = self.filling.office.links.session(visit.task.id, visit.task.patient, now)
        path = f"{self.prefix}/{visit.link}"
        answer.set_cookie(SESSION, kept, path=path, httponly=True, samesite="lax", secure=self.secure)
        return answer

    async def _answers(self, visit: Visit) -> Response:
        """``{"answers": {link id: text, or {"m", "d", "y"}}}`` → ``{"errors": {link id: words}}``."""
        if visit.needs_identity:
            return _json({"identify": True}, 401)
        try:
            sent = loads(await _body(visit.request, _BODY_BYTES))
        except InvalidJson:
            return _json({"errors": {}}, 400)
        given = sent.get("answers") if isinstance(sent, dict) else None
        if not isinstance(given, dict):
            return _json({"errors": {}}, 400)
        saved = await self.filling.save(visit.form, given)
        return _json({"errors": {link: visit.shown.text(words) for link, words in saved.errors.items()}})

    async def _photo(self, visit: Visit) -> Response:
        """A photo by itself, as the script sends it; what can be read of a card comes back, to be looked at."""
        if visit.needs_identity:
            return _json({"identify": True}, 401)
        _, pictures = await _form(visit.request)
        errors: dict[str, Words] = {}
        for link, picture in pictures.items():
            errors |= await self._pictured(visit, link, picture)
        if errors:
            return _json({"errors": {link: visit.shown.text(words) for link, words in errors.items()}}, 422)
        found: dict[str, str] = {}
        for picture in pictures.values():
            found |= await read_off(self.filling.cards, picture)
        asked = {one.link_id for key in visit.form.subjects for one in CATALOGUE[key].questions}
        return _json({"errors": {}, "read": {link: text for link, text in found.items() if link in asked}})

    async def _pictured(self, visit: Visit, link: str, content: bytes) -> dict[str, Words]:
        asked = {
            one.link_id
            for key in visit.form.subjects
            for one in CATALOGUE[key].questions
            if one.kind == PHOTO
        }
        kind = kind_of(content)
        if link not in asked:
            return {}
        if not kind or len(content) > MOST_BYTES:
            return {link: {language: texts["photo_wrong"] for language, texts in TEXTS.items()}}
        visit.form = (await self.filling.picture(visit.form, link, content, kind)).form
        return {}

    async def _send(self, visit: Visit) -> Response:
        """Send the form in. What still has to be answered is shown where it stands."""
        if visit.needs_identity:
            return _see(f"../{visit.link}")
        missing = await self.filling.send_in(visit.form)
        if missing:
            first = next(iter(missing))
            step = next(
                one.section for one in CATALOGUE.values() if first in {q.link_id for q in one.questions}
            )
            return self._at(visit, step, missing, status=422)
        return self._let_in(visit, _see(f"../{visit.link}?sent"))

    # answers

    def _page(self, visit: Visit, name: str, status: int = 200, **values: Any) -> Response:
        needs = visit.form.needs
        titles = {key: visit.shown.text(words) for key, words in _section_titles().items()}
        return self._rendered(
            visit.request,
            name,
            status,
            visit.shown.language,
            practice=needs.practice,
            titles=titles,
            link=visit.link,
            up="../" * _depth(visit.request),
            **values,
        )

    def _closed(self, request: Request, closed: LinkClosed) -> Response:
        language = _language(request)
        if "json" in request.headers.get("accept", ""):
            return _json({"closed": closed.why.value}, OF_CLOSED[closed.why][1])
        key, status = OF_CLOSED[closed.why]
        theirs = closed.why is Closed.DONE and self._is_theirs(request, closed.form, closed.patient)
        if theirs and request.method == "POST":  # sent twice, or the answer to the first was lost
            return _see(f"{'../' * _depth(request)}{request.path_params['link']}?sent")
        if theirs and "sent" in request.query_params:
            key, status = "done", 200
        return self._message(request, language, key, status)

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        language = _language(request)
        status = refusal.category.value
        if "json" in request.headers.get("accept", ""):
            return _json({"errors": {}}, status, refusal.headers)
        key = "slow" if refusal.category is Category.TOO_MANY else "trouble"
        return self._message(request, language, key, status, refusal.headers)

    def _message(
        self, request: Request, language: str, key: str, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        texts = TEXTS[language]
        return self._rendered(
            request,
            "message.html",
            status,
            language,
            headers,
            heading=texts[f"{key}_title"],
            words=texts[key],
            good=key in ("done", "done_before"),
            practice="",
            up="../" * _depth(request),
        )

    def _rendered(
        self,
        request: Request,
        name: str,
        status: int,
        language: str,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        template = self._templates.get_template(name)
        other = "es" if language == "en" else "en"
        text = template.render(t=TEXTS[language], language=language, other=other, check=CHECK, **values)
        answer = Response(text, status, {**HEADERS, **(headers or {})}, "text/html; charset=utf-8")
        if request.query_params.get("lang") in TEXTS:
            answer.set_cookie(
                LANGUAGE, language, path=self.prefix, httponly=True, samesite="lax", secure=self.secure
            )
        return answer


def _section_titles() -> Mapping[str, Words]:
    from agent.forms.questions import SECTIONS

    return {**SECTIONS, CHECK: {language: texts["check"] for language, texts in TEXTS.items()}}


def _step_asked(visit: Visit) -> str:
    """The step that the address names; empty for none of this form."""
    step = visit.request.query_params.get("step", "")
    return step if step in steps(visit.form) else ""


def _language(request: Request) -> str:
    asked, kept = request.query_params.get("lang", ""), request.cookies.get(LANGUAGE, "")
    return language_asked(asked, kept, request.headers.get("accept-language", ""))


def _depth(request: Request) -> int:
    """How far below the form's page an address is."""
    return max(0, request.url.path.count("/") - "/forms/x".count("/"))


def _see(place: str) -> Response:
    return RedirectResponse(place, 303, HEADERS)


def _json(value: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(value, status, {**HEADERS, **(headers or {})})


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent it: a browser says so."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _too_large() -> Refusal:
    from fhirserver.kernel.outcomes import refuse

    return refuse(Category.TOO_LARGE, "too-long", "That is too much at once")


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise _too_large()
    return bytes(body)


async def _form(request: Request) -> tuple[dict[str, Json], dict[str, bytes]]:
    """The answers of a plain form by link id (dates put together), and its pictures."""
    if int(request.headers.get("content-length") or _MULTIPART_BYTES + 1) > _MULTIPART_BYTES:
        raise _too_large()
    given: dict[str, Json] = {}
    pictures: dict[str, bytes] = {}
    async with request.form(max_files=2, max_fields=200) as sent:
        for name, value in sent.multi_items():
            link, _, part = name.partition(".")
            question = QUESTIONS.get(link)
            if question is None:
                continue
            if isinstance(value, UploadFile):
                if content := await value.read():
                    pictures[link] = content
            elif question.kind == DATE and part in ("m", "d", "y"):
                day = given.setdefault(link, {})
                if isinstance(day, dict):
                    day[part] = value
            else:
                given[link] = value
    return given, pictures
