"""Code systems that are FHIR resources: their concepts, hierarchy, properties, filters and supplements.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from terminology.code_systems.regexes import Test, compile_regex, unsupported

__all__ = ["Test", "compile_regex", "unsupported"]
