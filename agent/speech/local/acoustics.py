"""The acoustic model for the telephone's bandwidth.

The model that comes with pocketsphinx was trained on sound of 16 kHz; between 130 and 3,700 Hz its features mean
something else. ``telephone.npz`` holds its means and variances estimated again for that band (see
``scripts/adapt_acoustics.py``: stereo data, each sentence once wide to find the states and once as G.711 at 8 kHz to
measure the features). All else, the senones, their weights and transitions, stays that of the wheel.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

_KEPT = ("mdef", "sendump", "transition_matrices", "noisedict")
ADAPTED = Path(__file__).with_name("telephone.npz")
_MAGIC = 0x11223344
FEATURES = """-nfilt 25
-transform dct
-lifter 22
-feat 1s_c_d_dd
-svspec 0-12/13-25/26-38
-agc none
-varnorm no
-model ptm
-remove_noise yes
-lowerf 130
"""
NARROW = FEATURES + "-upperf 3700\n-samprate 8000\n-nfft 256\n"


def wheel_folder() -> Path:
    """The acoustic model of the wheel."""
    return Path(pocketsphinx.get_model_path("en-us/en-us"))


def model_folder(within: Path) -> Path:
    """A folder under ``within`` that pocketsphinx reads as a model for sound at 8 kHz."""
    folder = within / "acoustics"
    folder.mkdir()
    for name in _KEPT:
        shutil.copy(wheel_folder() / name, folder / name)
    with np.load(ADAPTED) as adapted:
        means = adapted["means"].astype(np.float32)
        write_gaussians(folder / "means", means)
        write_gaussians(folder / "variances", np.exp(adapted["log_variances"].astype(np.float32)))
        cepstra = ",".join(f"{v:.2f}" for v in adapted["cepstra"])
    (folder / "feat.params").write_text(f"{NARROW}-cmn live\n-cmninit {cepstra}\n", encoding="ascii")
    return folder


def write_gaussians(path: Path, values: NDArray[np.float32]) -> None:
    """Codebooks × streams × densities × dimensions as Sphinx's parameter file, version 1.0, little-endian."""
    codebooks, streams, densities, dimensions = values.shape
    header = b"s3\nversion 1.0\n"
    header += b" " * (-(len(header) + len(b"endhdr\n")) % 4) + b"endhdr\n"
    shape = struct.pack(f"<{4 + streams}I", _MAGIC, codebooks, streams, densities, *([dimensions] * streams))
    path.write_bytes(header + shape + struct.pack("<I", values.size) + values.astype("<f4").tobytes())


def read_gaussians(path: Path) -> NDArray[np.float32]:
    """The same back; every stream must have as many dimensions as the first."""
    data = path.read_bytes()
    at = data.index(b"endhdr\n") + 7
    _, codebooks, streams, densities = struct.unpack_from("<4I", data, at)
    (dimensions,) = struct.unpack_from("<I", data, at + 16)
    start = at + 16 + 4 * streams + 4
    size = codebooks * streams * densities * dimensions
    read = np.frombuffer(data, dtype="<f4", count=size, offset=start)
    return read.reshape(codebooks, streams, densities, dimensions).astype(np.float32)
