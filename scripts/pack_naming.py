"""Pack the OIDs that R4's own CodeSystems state into ``terminology/data/oids.bin``.

    python scripts/pack_naming.py [terminology/data]

Reads ``fhirserver/model/data``, which ``pack_definitions.py`` has written: an OID is found without reading a thousand
CodeSystems. The same input gives the same bytes.
"""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

from fhirserver.kernel.json import dumps
from fhirserver.model.definitions import definitions

OID = "urn:oid:"


def stated() -> dict[str, list[str]]:
    """The OIDs, without ``urn:oid:``, by the url of the CodeSystem."""
    archive = definitions().archive
    found: dict[str, list[str]] = {}
    for entry in archive.entries("CodeSystem"):
        values = [str(one.get("value")) for one in archive.read(entry).get("identifier", ())]
        oids = sorted({value.removeprefix(OID) for value in values if value.startswith(OID)})
        if oids and entry.url:
            found[entry.url] = oids
    return dict(sorted(found.items()))


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "terminology/data")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oids.bin").write_bytes(lzma.compress(dumps(stated()), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
