"""Units of measure: the whole grammar of UCUM over its official table. https://ucum.org/ucum"""

from __future__ import annotations

from fhirserver.model.ucum.meaning import Unit, meaning
from fhirserver.model.ucum.parsing import parse
from fhirserver.model.ucum.table import Table, table

__all__ = ["Table", "Unit", "meaning", "parse", "table"]
