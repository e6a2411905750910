"""The Task by which is seen how far references have followed a merge, or its undoing. Pure."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import TASK_CODE, TASK_INPUT

MERGE, UNMERGE = "merge", "unmerge"


def merge_task(kind: str, type: str, gone: str, version: int, into: str, at: str) -> JsonObject:
    """A Task in progress. It names the merged resource by its version: such a reference does not follow."""
    undone = kind == UNMERGE
    what = f"{type}/{gone} is {'no longer ' if undone else ''}merged into {type}/{into}"
    task: JsonObject = {
        "resourceType": "Task",
        "status": "in-progress",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": MERGE, "display": "Merge"}], "text": kind},
        "description": f"{what}: references {'lead back' if undone else 'follow'}",
        "focus": {"reference": f"{type}/{into}"},
        "authoredOn": at,
        "input": [
            {
                "type": {"coding": [{"system": TASK_INPUT, "code": "merged"}]},
                "valueReference": {"reference": f"{type}/{gone}/_history/{version}"},
            }
        ],
    }
    return {**task, "for": {"reference": f"{type}/{into}"}} if type == "Patient" else task


def completed(task: JsonObject) -> JsonObject:
    """The Task once all references have followed."""
    return {**task, "status": "completed"}
