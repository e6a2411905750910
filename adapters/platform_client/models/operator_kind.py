from typing import Literal

OperatorKind = Literal["key", "principal", "user"]

OPERATOR_KIND_VALUES: set[OperatorKind] = {
    "key",
    "principal",
    "user",
}


def check_operator_kind(value: str) -> OperatorKind:
    if value in OPERATOR_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OPERATOR_KIND_VALUES!r}")
