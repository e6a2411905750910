"""The control of the simulated EHR over HTTP: its records, changes by its own staff, faults, and how it is doing.

| | |
|---|---|
| ``GET /records`` | all patients and appointments |
| ``POST /patients`` | a new patient: PID fields by number |
| ``PATCH /patients/{mrn}`` | PID fields; null takes one away |
| ``POST /appointments`` | ``mrn``, ``start``, ``end``, ``who``; 409 where the time is taken |
| ``PATCH /appointments/{filler}`` | ``start``, ``end``, ``status`` |
| ``GET``, ``PUT /faults`` | rates by name |
| ``GET /health`` | messages received, told, waiting, refused |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from adapters.simulator.hl7.book import Appointment, Patient, Taken

if TYPE_CHECKING:
    from adapters.simulator.hl7.server import Hospital

_EVENTS = {"cancelled": "S15", "noshow": "S26"}
Handler = Callable[[Request], Awaitable[JSONResponse]]


def control(hospital: Hospital) -> Starlette:
    """The HTTP application."""
    desk = _Desk(hospital)
    return Starlette(
        routes=[
            Route("/records", desk.records),
            Route("/patients", desk.new_patient, methods=["POST"]),
            Route("/patients/{mrn}", desk.patient, methods=["PATCH"]),
            Route("/appointments", desk.new_appointment, methods=["POST"]),
            Route("/appointments/{filler}", desk.appointment, methods=["PATCH"]),
            Route("/faults", desk.faults, methods=["GET", "PUT"]),
            Route("/health", desk.health),
        ]
    )


class _Desk:
    def __init__(self, hospital: Hospital):
        self._hospital, self._book = hospital, hospital.book

    async def records(self, request: Request) -> JSONResponse:
        return JSONResponse(self._book.as_json())

    async def health(self, request: Request) -> JSONResponse:
        feed = self._hospital.feed
        counts = {
            "received": self._hospital.received,
            "told": feed.told,
            "waiting": len(feed),
            "refused": feed.refused,
        }
        return JSONResponse(counts)

    async def faults(self, request: Request) -> JSONResponse:
        if request.method == "PUT":
            try:
                self._hospital.faults.set(await request.json())
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._hospital.faults.as_json())

    async def new_patient(self, request: Request) -> JSONResponse:
        patient = Patient(f"H{self._book.next_number()}", _texts(await request.json()))
        self._book.patients[patient.mrn] = patient
        return self._changed("A28", patient.mrn, {"mrn": patient.mrn}, 201)

    async def patient(self, request: Request) -> JSONResponse:
        patient = self._book.patients.get(request.path_params["mrn"])
        if patient is None:
            return JSONResponse({"error": "no such patient"}, 404)
        for number, text in (await request.json()).items():
            if text is None:
                # Told as an explicit null: an absent field would say nothing.
                patient.fields[str(number)] = '""'
            else:
                patient.fields[str(number)] = str(text)
        patient.revision += 1
        return self._changed("A31", patient.mrn, {"mrn": patient.mrn})

    async def new_appointment(self, request: Request) -> JSONResponse:
        wanted: dict[str, Any] = await request.json()
        if wanted.get("mrn") not in self._book.patients:
            return JSONResponse({"error": "no such patient"}, 404)
        made = Appointment(f"F{self._book.next_number()}", "", **wanted)
        made.resources = made.resources or ["RGS|1|A", f"AIS|1|A|VISIT^Visit|{made.start}"]
        return self._booked(made, "S12", 201)

    async def appointment(self, request: Request) -> JSONResponse:
        known = self._book.appointments.get(request.path_params["filler"])
        if known is None:
            return JSONResponse({"error": "no such appointment"}, 404)
        wanted: dict[str, str] = await request.json()
        names = known.__dataclass_fields__
        made = Appointment(
            **{**{name: getattr(known, name) for name in names}, **wanted, "revision": known.revision + 1}
        )
        moved = "start" in wanted or "end" in wanted
        return self._booked(made, _EVENTS.get(made.status.lower(), "S13" if moved else "S14"), 200)

    def _booked(self, made: Appointment, event: str, status: int) -> JSONResponse:
        try:
            if made.stands:
                self._book.check_free(made)
        except Taken:
            return JSONResponse({"error": "the time is taken"}, 409)
        self._book.appointments[made.filler] = made
        return self._changed(event, made.filler, {"filler": made.filler}, status)

    def _changed(self, event: str, number: str, body: dict[str, str], status: int = 200) -> JSONResponse:
        self._book.save()
        self._hospital.feed.tell(event, number)
        return JSONResponse(body, status)


def _texts(content: dict[str, Any]) -> dict[str, str]:
    return {str(number): str(text) for number, text in content.items()}
