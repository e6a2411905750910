"""Constraints that hypothesis makes, and how they are written."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from terminology.ecl import model
from terminology.ecl.model import Attribute, Cardinality, Constraint, Group, Joined, Refinement

CODES = [str(100000 + n) for n in range(12)]
ATTRIBUTES = [str(200000 + n) for n in range(3)]
STRENGTH = "200009"
SETS = ["300001", "300002"]
RELATED = ("<", "<<", "<!", "<<!", ">", ">>", ">!", ">>!", "!!>", "!!<")

references = st.sampled_from([*CODES, "999999"]).map(model.Reference)
leaves = st.one_of(
    references,
    st.just(model.Any()),
    st.builds(model.Related, st.sampled_from(RELATED), references),
    st.builds(model.MemberOf, st.one_of(st.sampled_from(SETS).map(model.Reference), st.just(model.Any()))),
)
names = st.one_of(
    st.sampled_from(ATTRIBUTES).map(model.Reference),
    st.just(model.Any()),
    st.just(model.Compound("or", (model.Reference(ATTRIBUTES[0]), model.Reference(ATTRIBUTES[1])))),
    st.just(model.Related("<<", model.Reference(ATTRIBUTES[0]))),
)
cardinalities = st.one_of(
    st.just(Cardinality()),
    st.builds(lambda least, more: Cardinality(least, least + more), st.integers(0, 2), st.integers(0, 2)),
    st.builds(Cardinality, st.integers(0, 2)),
)


def attributes(values: st.SearchStrategy[Constraint], reverse: bool) -> st.SearchStrategy[Attribute]:
    concepts = st.builds(
        Attribute,
        names,
        st.sampled_from(("=", "!=")),
        values,
        cardinalities,
        st.booleans() if reverse else st.just(False),
    )
    numbers = st.builds(
        Attribute,
        st.just(model.Reference(STRENGTH)),
        st.sampled_from(("=", "!=", "<", ">")),
        st.integers(-1, 4).map(Decimal),
        cardinalities,
    )
    return st.one_of(concepts, numbers)


def joined(parts: st.SearchStrategy[Refinement]) -> st.SearchStrategy[Refinement]:
    both = st.tuples(parts, parts)
    return st.one_of(parts, st.builds(Joined, st.sampled_from(("and", "or")), both))


def refinements(values: st.SearchStrategy[Constraint]) -> st.SearchStrategy[Refinement]:
    groups = st.builds(Group, joined(attributes(values, False)), cardinalities)
    return joined(st.one_of(attributes(values, True), groups))


def larger(inner: st.SearchStrategy[Constraint]) -> st.SearchStrategy[Constraint]:
    return st.one_of(
        st.builds(model.Related, st.sampled_from(RELATED), inner),
        st.builds(model.Compound, st.sampled_from(("and", "or", "minus")), st.tuples(inner, inner)),
        st.builds(model.Compound, st.sampled_from(("and", "or")), st.tuples(inner, inner, inner)),
        st.builds(model.Refined, inner, refinements(inner)),
        st.builds(model.Dotted, inner, st.lists(names, min_size=1, max_size=2).map(tuple)),
    )


constraints = st.recursive(leaves, larger, max_leaves=6)


def write(one: Constraint) -> str:
    match one:
        case model.Related(operator, inner):
            return f"{operator} {sub(inner)}"
        case model.MemberOf(inner):
            return f"^ {sub(inner)}"
        case model.Compound(operator, parts):
            return f" {operator.upper()} ".join(sub(part) for part in parts)
        case model.Refined(focus, refinement):
            return f"{sub(focus)} : {write_refinement(refinement)}"
        case model.Dotted(focus, names):
            return " . ".join([sub(focus), *(sub(name) for name in names)])
        case model.Reference(code):
            return f"{code} |some term (thing)|"
    return "*"


def sub(one: Constraint) -> str:
    plain = isinstance(one, model.Reference | model.Any)
    return write(one) if plain else f"( {write(one)} )"


def write_refinement(one: Refinement) -> str:
    match one:
        case Joined(operator, parts):
            word = ", " if operator == "and" else " or "
            return word.join(
                write_refinement(p) if not isinstance(p, Joined) else f"({write_refinement(p)})"
                for p in parts
            )
        case Group(inner, cardinality):
            return f"{count(cardinality)} {{ {write_refinement(inner)} }}"
    value = f"#{one.value}" if isinstance(one.value, Decimal) else sub(one.value)  # type: ignore[arg-type]
    return f"{count(one.cardinality)} {'R ' if one.reverse else ''}{sub(one.name)} {one.operator} {value}"


def count(one: Cardinality) -> str:
    return "" if one == Cardinality() else f"[{one.least}..{'*' if one.most is None else one.most}]"
