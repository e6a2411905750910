"""Units: what is one, what it means, how it is said. Cases after UCUM's functional tests and its specification."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.model.definitions import definitions
from fhirserver.model.ucum import meaning, parse, table
from fhirserver.model.ucum.naming import in_base_units, in_print, in_words

VALID = """
    m /m 10*3/ul 10*-3/ul 10*+3/ul m[H2O] 10*23 rad2 m3.kg-1.s-2 4.[pi].10*-7.N/A2 rad2{a} {a}.rad2{b} 1{c} {e} %
    dB[10.nV] 1/d [APL'U] [IU]/mL m[IU]/L umol/2.h nmol/h/mL dyn.s/(cm5.m2) mmol/(8.h.kg) kg{body_wt} {cells}/[HPF]
    100/{cells} g/(8.h){shift} 10.L/(min.m2) mL/{hb}.m2 10^3/uL dar dam cd min mo_g [in_i'H2O] B[SPL] %[slope] bit_s
    [m/s2/Hz^(1/2)] KiBy mm[Hg] {|}
    """
INVALID = """
    m/ 10+3/ul rad2{錠} {a}rad2{b} {|}1 iU molv [BETH'U] [iIU] g/12h mL/10h mmol/kg[H20] cm[H20] ug(8.h) ug(8hr) MG_
    Mm[hg] kkg kmin m//s m..s .m (m m) () m2,5 m{a m}a {a}{b} mg/dl/ Kg 0 m/0.s [] [m 10*3* m-
    """


@pytest.mark.parametrize("code", VALID.split())
def test_what_follows_the_grammar_is_a_unit(code: str) -> None:
    assert parse(code) is not None


@pytest.mark.parametrize("code", [*INVALID.split(), "", " ", "m g", "m\n"])
def test_what_does_not_is_none(code: str) -> None:
    assert parse(code) is None
    assert meaning(code) is None


def test_every_unit_of_the_table_and_every_common_one_of_r4_is_read() -> None:
    common = definitions().archive.by_url("http://hl7.org/fhir/ValueSet/ucum-common") or {}
    codes = [one["code"] for part in common["compose"]["include"] for one in part["concept"]]
    assert len(codes) == 1364 and len(table().atoms) == 312
    assert [code for code in (*codes, *table().atoms) if meaning(code) is None] == []


@pytest.mark.parametrize(
    ("number", "source", "target", "expected"),
    [
        ("6.3", "mm", "cm", "0.63"),
        ("6.3", "s.m-1", "s/m", "6.3"),
        ("6.3", "s.mm-2", "s.m-2", "6300000"),
        ("6.3", "s/m.mg", "s.m-1.g", "0.0063"),
        ("6.30", "4.s/m", "s/m", "25.2"),
        ("6.3", "s/4/m", "s/m", "1.575"),
        ("6.3", "[in_i]", "m", "0.16002"),
        ("6.3", "g.m.s-2.A-2", "g.m.C-2", "6.3"),
        ("1", "m[Hg]", "g.s-2.m-1", "133322000"),
        ("1", "S", "g-1.m-2.C2.s", "0.001"),
        ("1", "[ly]", "cm", "946073047258080000"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("1", "[degF]", "K/9", "5"),
        ("1", "KiBy", "bit", "8192"),
    ],
)
def test_numbers_convert(number: str, source: str, target: str, expected: str) -> None:
    one, other = meaning(source), meaning(target)
    assert one is not None and other is not None and one.dimensions == other.dimensions
    assert Fraction(number) * one.factor / other.factor == Fraction(expected)


@pytest.mark.parametrize(
    ("code", "words", "printed", "base"),
    [
        ("m", "(meter)", "m", "m"),
        ("m[H2O]", "(meter of water column)", "m H₂O", "g.m-1.s-2"),
        ("10*23", "(the number ten for arbitrary powers ^ 23)", "10²³", "1"),
        ("rad2", "(radian ^ 2)", "rad²", "rad2"),
        ("m3.kg-1.s-2", "(meter ^ 3) * (kilogram ^ -1) * (second ^ -2)", "m³·kg⁻¹·s⁻²", "g-1.m3.s-2"),
        ("mg/dL", "(milligram) / (deciliter)", "mg/dL", "g.m-3"),
        ("/m", "1 / (meter)", "/m", "m-1"),
        ("{cells}/uL", "cells / (microliter)", "cells/μL", "m-3"),
        ("mmol/(8.h.kg)", "(millimole) / (8 * (hour) * (kilogram))", "mmol/(8·h·kg)", "g-1.s-1"),
        ("Cel", "(degree Celsius)", "°C", "K"),
        ("[iU]/L", "(international unit) / (liter)", "IU/L", "[iU].m-3"),
        ("[IU]/L", "(international unit) / (liter)", "i.U./L", "[iU].m-3"),
    ],
)
def test_a_unit_is_said_and_printed(code: str, words: str, printed: str, base: str) -> None:
    term, meant = parse(code), meaning(code)
    assert term is not None and meant is not None
    assert (in_words(term), in_print(term), in_base_units(meant)) == (words, printed, base)


SIMPLE = st.sampled_from(["m", "kg", "s-1", "mL", "[in_i]2", "mm[Hg]", "{x}", "10*3", "7", "[iU]", "mol{a}"])


@given(st.lists(SIMPLE, min_size=1, max_size=6), st.lists(SIMPLE, min_size=1, max_size=6))
def test_a_quotient_is_the_product_with_the_inverse(left: list[str], right: list[str]) -> None:
    one, other = (
        meaning(f"({'.'.join(left)})/({'.'.join(right)})"),
        meaning(".".join(left) + "/" + "/".join(right)),
    )
    assert one is not None and one == other


@given(st.text(st.sampled_from(list("mg10*^./(){}[]+-2%'uLKH ")), max_size=40))
def test_any_text_is_answered(text: str) -> None:
    term = parse(text)
    if term is not None:
        assert in_words(term)


@pytest.mark.parametrize(
    "code",
    [
        "(" * 5_000_000,
        "m." * 5_000_000,
        "{" * 10_000_000,
        "[" * 10_000_000,
        "9" * 10_000_000,
        "(" * 200 + "m" + ")" * 200,
    ],
)
def test_hostile_codes_are_refused_at_once(code: str) -> None:
    begun = time.perf_counter()
    assert parse(code) is None
    assert time.perf_counter() - begun < 0.1


@pytest.mark.parametrize(
    "code", ["10*999.10*999", "Ym999", ".".join(["9" * 40] * 12), "/".join(["Ym24"] * 100)]
)
def test_numbers_beyond_measure_have_no_meaning(code: str) -> None:
    begun = time.perf_counter()
    assert parse(code) is not None and meaning(code) is None
    assert time.perf_counter() - begun < 0.1
