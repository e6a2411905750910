"""The search parameters there are: those of R4 and those that users defined.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fhirserver.model.definitions import SearchParameter, definitions


@dataclass(frozen=True, eq=False)
class Parameters:
    """A set of parameters that never changes; another set is another object, so what is compiled can be kept.

    ``own`` are users' parameters by type and code; ``pending`` the codes by type whose index is not complete.
    """

    own: Mapping[str, Mapping[str, SearchParameter]] = field(default_factory=dict)
    pending: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _all: dict[str, Mapping[str, SearchParameter]] = field(default_factory=dict, repr=False)

    def of(self, type_name: str) -> Mapping[str, SearchParameter]:
        """The parameters of a resource type by code."""
        if type_name not in self.own:
            return definitions().search_parameters(type_name)
        if type_name not in self._all:
            standard = definitions().search_parameters(type_name)
            self._all[type_name] = {**standard, **self.own[type_name]}
        return self._all[type_name]

    def is_pending(self, type_name: str, code: str) -> bool:
        """Whether a search by the code would not find all there is."""
        return code in self.pending.get(type_name, ())


STANDARD: Final = Parameters()
"""The parameters of R4 alone."""
