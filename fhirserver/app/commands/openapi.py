"""``credence openapi``: the OpenAPI description of the REST API, on standard output."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version

from fhirserver.interactions.all import full_registry
from fhirserver.interactions.openapi.document import openapi_document
from fhirserver.kernel.json import pretty
from fhirserver.model.definitions import definitions
from fhirserver.operations.all import all_operations


def run(arguments: list[str]) -> int:
    """Print it. Exit 2 for a type that R4 does not have."""
    made = argparse.ArgumentParser(prog="credence openapi", description="Print the OpenAPI 3.1 description.")
    made.add_argument(
        "--url", default="http://127.0.0.1:8080/fhir", help="the FHIR base (default: %(default)s)"
    )
    made.add_argument("--type", default="", help="only these resource types, with commas between them")
    options = made.parse_args(arguments)
    types = [name for name in options.type.split(",") if name]
    unknown = sorted(set(types) - definitions().resource_types)
    if unknown:
        print(f"credence: '{unknown[0]}' is not an R4 resource type", file=sys.stderr)
        return 2
    registry = full_registry(all_operations())
    base = options.url.rstrip("/")
    print(pretty(openapi_document(registry, base, version("credence"), types or None)).decode())
    return 0
