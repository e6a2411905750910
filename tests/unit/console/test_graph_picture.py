"""The picture of a context graph: boxes that do not overlap, lines that go down, nothing left out."""

from __future__ import annotations

from itertools import combinations

import pytest

from fhirserver.app.agent_desk import AgentDesk
from fhirserver.console.graph_picture import HIGH, WIDE, graph_picture

DESK = AgentDesk(lambda principal: None)  # type: ignore[arg-type,return-value]
NOTE = {"name": "note", "kind": "annotation", "says": "Hello.", "after": ["read_back"]}

OWN = [
    {"name": "served", "after": ["ask", "handover", "closing"]},
    {"name": "ask", "kind": "data_collection", "asks": "Well?", "expects": "yes_no", "after": ["choose"]},
    {"name": "choose", "kind": "decision", "routes": [{"answer": "ask", "is": "no", "to": "end"}],
     "after": ["onward", "end"]},
    {"name": "end", "kind": "action", "does": "end"},
]  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"offers": ["cancel"]},
        {"offers": []},
        {"graph": {"states": [NOTE, {"name": "reason", "after": ["note", "wish", "served", "handover"]}]}},
        {"graph": {"states": OWN}},
        {"nonsense": 1},
    ],
)
def test_every_state_has_a_place_of_its_own(document: dict[str, object]) -> None:
    states = DESK.graph(document)
    picture = graph_picture(states)
    assert {box.state.name for box in picture.boxes} == {state.name for state in states}
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - WIDE and 0 <= box.y <= picture.height - HIGH
    for one, other in combinations(picture.boxes, 2):
        assert abs(one.x - other.x) >= WIDE or abs(one.y - other.y) >= HIGH
    assert picture.ways
    if document.get("graph") == {"states": OWN}:
        place = {box.state.name: box.y for box in picture.boxes}
        assert place["served"] < place["ask"] < place["choose"] < place["wish"]
        assert {s.name: s.says for s in states}["choose"] == "ask is no: end; else: onward"
    elif "graph" in document:
        place = {box.state.name: box.y for box in picture.boxes}
        assert place["reason"] < place["note"] < place["read_back"]
