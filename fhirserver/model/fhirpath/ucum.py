"""The part of UCUM that comparing and computing quantities needs: units as a factor over base dimensions.

https://ucum.org/ucum. Units with an offset (``Cel``) or a logarithm are only compared with themselves.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

_PREFIXES = {
    **{"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1},
    **{"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24},
}
_METRIC = {
    "m": "1 m", "g": "1 g", "s": "1 s", "rad": "1 rad", "K": "1 K", "C": "1 C", "cd": "1 cd",
    "mol": "602213670000000000000000 1", "sr": "1 rad2", "Hz": "1 s-1", "N": "1000 g.m.s-2",
    "Pa": "1 N.m-2", "J": "1 N.m", "W": "1 J.s-1", "A": "1 C.s-1", "V": "1 J.C-1", "F": "1 C.V-1",
    "Ohm": "1 V.A-1", "S": "1 A.V-1", "Wb": "1 V.s", "T": "1 Wb.m-2", "H": "1 Wb.A-1", "lm": "1 cd.sr",
    "lx": "1 lm.m-2", "Bq": "1 s-1", "Gy": "1 J.kg-1", "Sv": "1 J.kg-1", "l": "1 dm3", "L": "1 l",
    "ar": "100 m2", "t": "1000 kg", "bar": "100000 Pa", "u": "1.6605402 yg",
    "eV": "0.0000000000000000001602176634 J",
    "kat": "1 mol.s-1", "U": "1 umol.min-1", "eq": "1 mol", "osm": "1 mol", "cal": "4.184 J",
    "g%": "1 g.dl-1", "[iU]": "1 [iU]", "[IU]": "1 [iU]", "dyn": "1 g.cm.s-2", "P": "1 dyn.s.cm-2",
    "erg": "1 dyn.cm", "m[H2O]": "9806.65 Pa", "m[Hg]": "133322 Pa", "gf": "9.80665 g.m.s-2",
    "mho": "1 S", "Ci": "37000000000 Bq", "R": "0.000258 C.kg-1", "RAD": "1 cGy", "REM": "1 cSv",
    "pc": "30856780000000000 m",
    "cal_[15]": "4.18580 J", "cal_[20]": "4.18190 J", "cal_m": "4.19002 J", "cal_IT": "4.1868 J",
    "cal_th": "4.184 J", "St": "1 cm2.s-1", "Bi": "10 A", "G": "0.0001 T", "Gal": "1 cm.s-2", "Mx": "0.00000001 Wb",
    "Oe": "250 [pi]-1.A.m-1", "Gb": "1 Oe.cm", "Ky": "1 cm-1", "ph": "10000 lx", "sb": "1 cd.cm-2", "gon": "0.9 deg",
    "B[SPL]": "1 B[SPL]", "B[V]": "1 B[V]", "B[mV]": "1 B[mV]", "B[uV]": "1 B[uV]", "B[10.nV]": "1 B[10.nV]",
    "B[W]": "1 B[W]", "B[kW]": "1 B[kW]", "bit_s": "1 bit_s",
    "[c]": "299792458 m.s-1", "[h]": "6.6260755e-34 J.s", "[k]": "1.380658e-23 J.K-1",
    "[eps_0]": "8.854187817e-12 F.m-1", "[mu_0]": "4e-7 [pi].N.A-2", "[e]": "1.60217733e-19 C",
    "[m_e]": "9.1093897e-28 g", "[m_p]": "1.6726231e-24 g", "[G]": "6.67259e-11 m3.kg-1.s-2", "[g]": "9.80665 m.s-2",
    "[ly]": "1 [c].a_j",
    "st": "1 m3", "Lmb": "1 cd.cm-2", "B": "1 B", "Np": "1 Np", "bit": "1 1", "By": "8 bit", "Bd": "1 s-1",
}  # fmt: skip
_PLAIN = {
    "1": "1 1", "%": "0.01 1", "[ppth]": "0.001 1", "[ppm]": "0.000001 1", "[ppb]": "0.000000001 1",
    "[pptr]": "0.000000000001 1", "10*": "10 1", "10^": "10 1", "[pi]": "3.14159265358979323846 1",
    "deg": "0.01745329251994329577 rad", "'": "0.01666666666666666667 deg", "''": "0.01666666666666666667 '",
    "min": "60 s", "h": "60 min", "d": "24 h", "wk": "7 d", "a": "365.25 d", "a_j": "365.25 d",
    "a_g": "365.2425 d", "a_t": "365.24219 d", "mo": "30.4375 d", "mo_j": "30.4375 d", "mo_s": "29.53059 d",
    "mo_g": "30.436875 d",
    "[in_i]": "2.54 cm", "[ft_i]": "12 [in_i]", "[yd_i]": "3 [ft_i]", "[mi_i]": "5280 [ft_i]",
    "[fth_i]": "6 [ft_i]", "[nmi_i]": "1852 m", "[kn_i]": "1 [nmi_i].h-1", "[sin_i]": "1 [in_i]2",
    "[sft_i]": "1 [ft_i]2", "[syd_i]": "1 [yd_i]2", "[cin_i]": "1 [in_i]3", "[cft_i]": "1 [ft_i]3",
    "[mil_i]": "0.001 [in_i]", "[hd_i]": "4 [in_i]", "[ft_us]": "1200 m/3937",
    "[gr]": "64.79891 mg", "[lb_av]": "7000 [gr]", "[oz_av]": "1 [lb_av]/16", "[dr_av]": "1 [oz_av]/16",
    "[stone_av]": "14 [lb_av]", "[ston_av]": "2000 [lb_av]", "[scwt_av]": "100 [lb_av]",
    "[lcwt_av]": "112 [lb_av]", "[lton_av]": "2240 [lb_av]", "[oz_tr]": "480 [gr]", "[lb_tr]": "12 [oz_tr]",
    "[oz_ap]": "480 [gr]", "[lb_ap]": "12 [oz_ap]", "[dr_ap]": "60 [gr]", "[sc_ap]": "20 [gr]",
    "[gal_us]": "231 [in_i]3", "[qt_us]": "1 [gal_us]/4", "[pt_us]": "1 [qt_us]/2", "[gil_us]": "1 [pt_us]/4",
    "[foz_us]": "1 [gil_us]/4", "[fdr_us]": "1 [foz_us]/8",
    "[min_us]": "1 [fdr_us]/60", "[bbl_us]": "42 [gal_us]",
    "[cup_us]": "16 [tbs_us]", "[tbs_us]": "1 [foz_us]/2", "[tsp_us]": "1 [tbs_us]/3",
    "[tsp_m]": "5 mL", "[tbs_m]": "15 mL", "[cup_m]": "240 mL", "[foz_m]": "30 mL",
    "[gal_br]": "4.54609 l", "[pt_br]": "1 [gal_br]/8", "[foz_br]": "1 [pt_br]/20",
    "[lbf_av]": "4448.2216152605 g.m.s-2", "[psi]": "1 [lbf_av].[in_i]-2", "atm": "101325 Pa",
    "[in_i'H2O]": "2.54 cm[H2O]", "[in_i'Hg]": "2.54 cm[Hg]", "[Cal]": "1 kcal", "[Btu]": "1.05505585262 kJ",
    "[HP]": "745.69987158227022 W", "Ao": "0.1 nm", "b": "100 fm2", "[drp]": "1 ml/20", "[Ch]": "1 mm/3",
    "[arb'U]": "1 [arb'U]", "[USP'U]": "1 [USP'U]", "[CFU]": "1 [CFU]", "[PFU]": "1 [PFU]",
    "[FFU]": "1 [FFU]",
    "[pH]": "1 [pH]", "Cel": "1 Cel", "[degF]": "1 [degF]", "[degR]": "5 K/9", "[APL'U]": "1 [APL'U]",
    "[GPL'U]": "1 [GPL'U]", "[MPL'U]": "1 [MPL'U]", "[ELU]": "1 [ELU]", "[EU]": "1 [EU]", "[hpf]": "1 1",
    "[lpf]": "100 1", "[BAU]": "1 [BAU]", "[diop]": "1 m-1", "[HPF]": "1 1", "[bdsk'U]": "1 [bdsk'U]",
    "[anti'Xa'U]": "1 [anti'Xa'U]", "[tb'U]": "1 [tb'U]", "[todd'U]": "1 [todd'U]", "[ka'U]": "1 [ka'U]",
    "[knk'U]": "1 [knk'U]", "[mclg'U]": "1 [mclg'U]", "[dye'U]": "1 [dye'U]", "[smgy'U]": "1 [smgy'U]",
    "[LPF]": "100 1", "[AU]": "1 [AU]", "[beth'U]": "1 [beth'U]", "[Amb'a'1'U]": "1 [Amb'a'1'U]",
    "[D'ag'U]": "1 [D'ag'U]", "[hnsf'U]": "1 [hnsf'U]", "[PNU]": "1 [PNU]", "[Lf]": "1 [Lf]",
    "[CCID_50]": "1 [CCID_50]", "[TCID_50]": "1 [TCID_50]", "[EID_50]": "1 [EID_50]", "[kp_C]": "1 [kp_C]",
    "[hp_C]": "1 [hp_C]", "[hp_M]": "1 [hp_M]", "[hp_Q]": "1 [hp_Q]", "[hp_X]": "1 [hp_X]",
    "%[slope]": "1 %[slope]", "[p'diop]": "1 [p'diop]", "[degRe]": "1 [degRe]", "[m/s2/Hz^0.5]": "1 [m/s2/Hz^0.5]",
    "[PRU]": "1 mm[Hg].s.ml-1", "[wood'U]": "1 mm[Hg].min.L-1", "[mesh_i]": "1 [in_i]-1", "[smoot]": "67 [in_i]",
    "[in_us]": "1 [ft_us]/12", "[yd_us]": "3 [ft_us]", "[rd_us]": "16.5 [ft_us]", "[ch_us]": "4 [rd_us]",
    "[lk_us]": "1 [ch_us]/100", "[rch_us]": "100 [ft_us]", "[rlk_us]": "1 [rch_us]/100", "[fth_us]": "6 [ft_us]",
    "[fur_us]": "40 [rd_us]", "[mi_us]": "8 [fur_us]", "[mil_us]": "0.001 [in_us]", "[acr_us]": "160 [rd_us]2",
    "[srd_us]": "1 [rd_us]2", "[smi_us]": "1 [mi_us]2", "[sct]": "1 [mi_us]2", "[twp]": "36 [sct]",
    "[in_br]": "2.539998 cm", "[ft_br]": "12 [in_br]", "[rd_br]": "16.5 [ft_br]", "[ch_br]": "4 [rd_br]",
    "[lk_br]": "1 [ch_br]/100", "[fth_br]": "6 [ft_br]", "[pc_br]": "2.5 [ft_br]", "[yd_br]": "3 [ft_br]",
    "[mi_br]": "5280 [ft_br]", "[nmi_br]": "6080 [ft_br]", "[kn_br]": "1 [nmi_br].h-1", "[acr_br]": "4840 [yd_br]2",
    "[bf_i]": "144 [in_i]3", "[cr_i]": "128 [cft_i]", "[crd_us]": "128 [cft_i]", "[cyd_i]": "1 [yd_i]3",
    "[cml_i]": "0.25 [pi].[mil_i]2", "[bu_us]": "2150.42 [in_i]3", "[gal_wi]": "1 [bu_us]/8", "[pk_us]": "1 [bu_us]/4",
    "[dqt_us]": "1 [pk_us]/8", "[dpt_us]": "1 [dqt_us]/2", "[qt_br]": "1 [gal_br]/4", "[gil_br]": "1 [pt_br]/4",
    "[fdr_br]": "1 [foz_br]/8", "[min_br]": "1 [fdr_br]/60", "[pk_br]": "2 [gal_br]", "[bu_br]": "4 [pk_br]",
    "[pied]": "32.48 cm", "[pouce]": "1 [pied]/12", "[ligne]": "1 [pouce]/12", "[didot]": "1 [ligne]/6",
    "[cicero]": "12 [didot]", "[lne]": "1 [in_i]/12", "[pnt]": "1 [lne]/6", "[pca]": "12 [pnt]",
    "[pnt_pr]": "0.013837 [in_i]", "[pca_pr]": "12 [pnt_pr]", "[pwt_tr]": "24 [gr]", "[car_m]": "0.2 g",
    "[car_Au]": "1 1/24", "[Btu_39]": "1.05967 kJ", "[Btu_59]": "1.05480 kJ", "[Btu_60]": "1.05468 kJ",
    "[Btu_m]": "1.05587 kJ", "[Btu_IT]": "1.05505585262 kJ", "[Btu_th]": "1.054350 kJ", "att": "1 kgf.cm-2",
    "AU": "149597.870691 Mm", "circ": "2 [pi].rad", "sph": "4 [pi].sr",
    "[MET]": "3.5 mL/min/kg", "[S]": "0.0000000000001 s",
}  # fmt: skip
_BASE = frozenset({"m", "g", "s", "rad", "K", "C", "cd"})
_PART = re.compile(
    r"(?P<symbol>(?:\[[^\]]*\]|10[*^]|[^\d./()\[\]+\-{}])+|)(?P<power>[+-]?\d+)?(?:\{[^{}]*\})*"
)
_ANNOTATIONS = re.compile(r"(?:\{[^{}]*\})*")
_MAX_LENGTH = 200
_MAX_POWER = 24


class Unit(NamedTuple):
    """``factor`` times the product of ``dimensions`` (name, power), sorted by name."""

    factor: Fraction
    dimensions: tuple[tuple[str, int], ...]


_ONE = Unit(Fraction(1), ())


@lru_cache(4096)
def unit(code: str) -> Unit | None:
    """What a UCUM code means; None for what is no UCUM unit or beyond this part of it."""
    if len(code) > _MAX_LENGTH:
        return None
    try:
        found, end = _term(code, 0, 0)
    except (KeyError, ValueError, RecursionError):
        return None
    return found if end == len(code) else None


def _term(code: str, at: int, depth: int) -> tuple[Unit, int]:
    if depth > 10:
        raise ValueError("nested too deeply")
    total, sign = _ONE, 1
    if code[at : at + 1] == "/":
        sign, at = -1, at + 1
    while True:
        found, at = _component(code, at, depth)
        total = multiply(total, found, sign)
        if code[at : at + 1] not in (".", "/"):
            return total, at
        sign, at = (1 if code[at] == "." else -1), at + 1


def _component(code: str, at: int, depth: int) -> tuple[Unit, int]:
    if code[at : at + 1] == "(":
        found, at = _term(code, at + 1, depth + 1)
        if code[at : at + 1] != ")":
            raise ValueError("unbalanced")
        annotations = _ANNOTATIONS.match(code, at + 1)
        return found, annotations.end() if annotations else at + 1
    match = _PART.match(code, at)
    if match is None or match.end() == at:
        raise ValueError("not a unit")
    return _meaning(match["symbol"], match["power"]), match.end()


def _meaning(symbol: str, power: str | None) -> Unit:
    if not symbol:
        if power is None:
            return _ONE
        return Unit(Fraction(int(power)), ())
    exponent = int(power or 1)
    if abs(exponent) > _MAX_POWER:
        raise ValueError("power out of range")
    return _raised(_atom(symbol), exponent)


@lru_cache(1024)
def _atom(symbol: str) -> Unit:
    if symbol in _PLAIN:
        return _defined(symbol, _PLAIN[symbol])
    if symbol in _METRIC:
        return _defined(symbol, _METRIC[symbol])
    for length in (2, 1):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in _PREFIXES and rest in _METRIC:
            return multiply(Unit(Fraction(10) ** _PREFIXES[prefix], ()), _atom(rest), 1)
    raise KeyError(symbol)


def _defined(symbol: str, definition: str) -> Unit:
    factor, _, of = definition.partition(" ")
    if of == symbol:
        return Unit(Fraction(1), ((symbol, 1),))
    return multiply(Unit(Fraction(factor), ()), _term(of, 0, 0)[0], 1)


def _raised(of: Unit, power: int) -> Unit:
    if power == 1:
        return of
    return Unit(of.factor**power, tuple((name, one * power) for name, one in of.dimensions if one * power))


def multiply(left: Unit, right: Unit, sign: int) -> Unit:
    """``left`` times ``right``, or over it for ``sign`` -1."""
    powers = dict(left.dimensions)
    for name, power in right.dimensions:
        powers[name] = powers.get(name, 0) + sign * power
    dimensions = tuple(sorted((name, power) for name, power in powers.items() if power))
    return Unit(left.factor * right.factor**sign, dimensions)
