"""Which texts are UCUM units: the grammar of https://ucum.org/ucum with its atoms."""

from __future__ import annotations

import re
from functools import lru_cache

from fhirserver.model.fhirpath.ucum import unit

_LONGEST = 200
_DEEPEST = 10
_PREFIXES = ("da", *"YZEPTGMkhdcmunpfazy", "Ki", "Mi", "Gi", "Ti")
_METRIC_ATOMS = (
    "G Gb Mx Oe Bi St Gal sb ph Ky bit_s cal_IT cal_m cal_th cal_[15] cal_[20] B[V] B[mV] B[uV] B[nV] "
    "B[10.nV] B[W] B[kW] B[SPL] Cel lm tex mol osm kat U eV pc [c] [h] [k] [eps_0] [mu_0] [e] [m_e] [m_p] [G] [g] "
    "[ly] m[Hg] m[H2O] [iU] [IU] att"
)
_PLAIN_ATOMS = """
    %[slope] AU [AU] [Amb'a'1'U] [Btu_39] [Btu_59] [Btu_60] [Btu_IT] [Btu_m] [Btu_th] [CCID_50] [D'ag'U] [LPF] [Lf]
    [PNU] [PRU] [TCID_50] [acr_br] [acr_us] [beth'U] [bf_i] [bu_br] [bu_us] [car_Au] [car_m] [ch_br] [ch_us] [cicero]
    [cml_i] [cr_i] [crd_us] [cyd_i] [didot] [dpt_us] [dqt_us] [fdr_br] [ft_br] [fth_br] [fth_us] [fur_us] [gal_wi]
    [gil_br]
    [hnsf'U] [hp_C] [hp_M] [hp_Q] [hp_X] [hp'_X] [hp'_C] [hp'_M] [hp'_Q] [in_br] [in_us] [kn_br] [ligne] [lk_br]
    [lk_us] [lne] [mesh_i] [mi_br] [mi_us] [mil_us] [min_br] [nmi_br] [p'diop] [pc_br] [pca] [pca_pr] [pied] [pk_br]
    [pk_us] [pnt] [pnt_pr] [pouce] [pwt_tr] [qt_br] [rch_us]
    [rd_br] [rd_us] [rlk_us] [sct] [smi_us] [smoot] [srd_us]
    [twp] [yd_br] [yd_us] [den] [degRe] [m/s2/Hz^0.5] [l/100km] [wood'U] [IR] [tb'U] [mi_i] [lbf_av] [dr_ap]
    circ gon sph deg [pt_br] [gal_br] [foz_br] [cin_i] [smgy'U] [GPL'U] [MPL'U] [APL'U] [bdsk'U] [hd_i] [oz_m]
    """
_METRIC, _PLAIN = frozenset(_METRIC_ATOMS.split()), frozenset(_PLAIN_ATOMS.split())
_SYMBOL = re.compile(r"(?:\[[^\[\]\s]*\]|10[*^]|[^\s\d./()\[\]+\-{}])+")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_POWER = re.compile(r"[+-]?[0-9]{1,4}")
_NUMBER = re.compile(r"[0-9]+")


@lru_cache(4096)
def is_unit(code: str) -> bool:
    """Whether the text is a unit of UCUM, case sensitive: ``mm[Hg]``, ``10*3/uL``, ``{score}``."""
    if not 0 < len(code) <= _LONGEST:
        return False
    if unit(code) is not None:
        return True
    at = 1 if code[0] == "/" else 0
    return _term(code, at, 0) == len(code)


def _term(code: str, at: int, depth: int) -> int:
    """Where the term that begins at ``at`` ends; -1 where there is none."""
    at = _component(code, at, depth)
    while 0 <= at < len(code) and code[at] in "./":
        at = _component(code, at + 1, depth)
    return at


def _component(code: str, at: int, depth: int) -> int:
    if at < len(code) and code[at] == "(":
        if depth >= _DEEPEST:
            return -1
        inside = at + 2 if code[at + 1 : at + 2] == "/" else at + 1
        end = _term(code, inside, depth + 1)
        return _annotated(code, end + 1) if 0 <= end < len(code) and code[end] == ")" else -1
    end = _simple(code, at)
    ended = _annotated(code, end)
    return ended if ended > at else -1


def _simple(code: str, at: int) -> int:
    """Behind a number or an atom with its power; ``at`` where there is neither."""
    atom = _SYMBOL.match(code, at)
    if atom is None:
        number = _NUMBER.match(code, at)
        return number.end() if number else at
    if not _is_atom(atom.group()):
        return at
    power = _POWER.match(code, atom.end())
    return power.end() if power else atom.end()


def _annotated(code: str, at: int) -> int:
    while found := _ANNOTATION.match(code, at):
        at = found.end()
    return at


def _is_atom(symbol: str) -> bool:
    if symbol in _PLAIN or symbol in _METRIC or unit(symbol) is not None:
        return True
    return any(symbol.startswith(prefix) and symbol[len(prefix) :] in _METRIC for prefix in _PREFIXES)
