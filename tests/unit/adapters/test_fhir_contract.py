"""The FHIR adapter keeps the contract of the port, against the simulated EHR as a process of its own."""

import shutil
from typing import Any

import pytest

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.smart import ClientSecret, SmartTokens, TokenSettings
from fhirserver.ports.ehr import Permanent
from tests.contracts.ehr_contract import EhrContract, Vendor, everything, of_type, update
from tests.unit.adapters.simulated_ehr import SimulatedEhrThread

_AS_CUTS = ("late_error_rate", "drop_rate")
_HABITS = ("visible_after", "token_seconds")
_UNKNOWN = ("partial_rate",)
_OPTIONS = ("--weeks", "2", "--practitioners", "1")


class FhirVendor(Vendor):
    def __init__(self, process: SimulatedEhrThread):
        self.process = process
        client = {"client_id": "credence", "secret": "s3cr3t"}
        assert process.http.post(f"{process.root}/admin/clients", json=client).status_code == 200
        self._made: list[FhirEhr] = []
        self.ehr: FhirEhr = self.fresh()

    def fresh(self) -> FhirEhr:
        tokens = SmartTokens(TokenSettings(self.process.base), ClientSecret("credence", "s3cr3t"))
        retries = RetryPolicy(first=0.01, cap=0.1, attempts=50)
        self._made.append(FhirEhr(FhirSettings(self.process.base, page_size=40, retries=retries), tokens))
        return self._made[-1]

    async def close(self) -> None:
        for ehr in self._made:
            await ehr.close()

    def faults(self, **settings: Any) -> None:
        habits = {name: settings.pop(name) for name in _HABITS if name in settings}
        for name in (*_UNKNOWN, *_AS_CUTS):
            value = settings.pop(name, 0)
            if name in _AS_CUTS and value:
                settings["cut_rate"] = settings.get("cut_rate", 0) + value
        self.process.faults(**settings)
        self.process.habits(**({"reset": True} if settings.get("reset") else habits))

    def patient_phone(self, id: str, ten_digits: str) -> None:
        patient = self.process.get(f"Patient/{id}").json()
        patient["telecom"] = [{"system": "phone", "value": ten_digits, "use": "mobile"}]
        assert self.process.http.put(f"{self.process.base}/Patient/{id}", json=patient).status_code == 200

    def book(self, slot: str, patient: str) -> None:
        body = {
            "resourceType": "Appointment",
            "status": "booked",
            "slot": [{"reference": f"Slot/{slot}"}],
            "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
        }
        assert self.process.http.post(f"{self.process.base}/Appointment", json=body).status_code == 201

    def booked(self) -> list[str]:
        self.process.faults(reset=True)
        self.process.habits(reset=True)
        actors = [
            participant["actor"]["reference"]
            for each in self.process.resources("Appointment")
            if each["status"] == "booked"
            for participant in each["participant"]
        ]
        return [actor.removeprefix("Patient/") for actor in actors if actor.startswith("Patient/")]

    def patients(self) -> int:
        return int(self.process.state()["records"]["Patient"])


@pytest.fixture(autouse=True)
def _always_due(monkeypatch):
    """All types are asked for at every pull; other adapters have cadences in their cursor."""
    monkeypatch.setattr("tests.contracts.ehr_contract.due", lambda cursor: cursor)


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """The data of a practice with an empty calendar: no appointments, every slot free. Every test has a copy."""
    data = tmp_path_factory.mktemp("practice")
    with SimulatedEhrThread(data / "ehr.db", *_OPTIONS) as process:
        process.habits(clock_ahead=-3600)  # that was an hour ago
        for type, state in (("Appointment", ""), ("Slot", "free")):
            for each in process.resources(type):
                if each.get("status") != state:
                    process.http.delete(f"{process.base}/{type}/{each['id']}")
    return data


@pytest.fixture(params=["type", "export"])
async def vendor(request, practice, tmp_path):
    options = list(_OPTIONS)
    if request.param == "export":
        options += ["--habit", "export=system", "--habit", "export_lines=30", "--habit", "history=system"]
    shutil.copytree(practice, tmp_path, dirs_exist_ok=True)
    with SimulatedEhrThread(tmp_path / "ehr.db", *options) as process:
        vendor = FhirVendor(process)
        yield vendor
        await vendor.close()


class TestContract(EhrContract):
    async def test_what_the_vendor_cannot_take_is_refused_not_lost(self, vendor: Vendor) -> None:
        """This one takes every element there is; what it refuses is what is malformed."""
        found, _ = await everything(vendor.ehr)
        patient = of_type(found, "Patient")[0]
        with pytest.raises(Permanent):
            await vendor.ehr.push(update(patient, telecom=["malformed"]))
