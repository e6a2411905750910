"""``python -m agent.emotion.speaker_worker CHECKPOINT``: embeddings of voices by pyannote.audio.

The extra ``speaker``, in a process of its own. The checkpoint is a local file that the operator trusts: it is a pickle,
and loading it runs what it holds. Nothing is fetched and nothing is reported: the library's telemetry is switched off
before it is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from agent.audio.frames import RATE, of_bytes
from agent.emotion.worker_process import answers, questions

_NICER = 10
_SILENT = {
    "PYANNOTE_METRICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "OTEL_SDK_DISABLED": "true",
}


def loaded(checkpoint: Path) -> Callable[[bytes], bytes]:
    """A function from 16-bit samples at 8 kHz to an embedding as 32-bit floats. Raises FileNotFoundError, ImportError,
    and whatever the library does about a file that is no checkpoint."""
    if not checkpoint.is_file():
        raise FileNotFoundError("the checkpoint is no file on this machine; nothing is fetched")
    os.environ.update(_SILENT)
    # Its compiled part needs CUDA's libraries wherever it comes from PyPI, and nothing here needs that part.
    extension: Any = ModuleType("torchaudio._extension")
    extension.fail_if_no_align = lambda function: function
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    sys.modules.setdefault("torchaudio._extension", extension)
    import soxr
    import torch  # type: ignore[import-not-found, unused-ignore]
    from pyannote.audio import Model  # type: ignore[import-not-found, unused-ignore]

    torch.set_num_threads(1)
    model: Any = Model.from_pretrained(checkpoint)
    model.eval()
    rate = int(model.hparams.sample_rate)

    def embed(data: bytes) -> bytes:
        wide = soxr.resample(of_bytes(data).astype(np.float32) / 32_768, RATE, rate)
        with torch.inference_mode():
            vector = model(torch.from_numpy(wide)[None, None])
        return np.asarray(vector, dtype="<f4").reshape(-1).tobytes()

    return embed


def main() -> None:
    """Answer until standard input ends. The first answer to anything needs the model, so it is loaded before."""
    os.nice(_NICER)
    source, sink = sys.stdin.buffer, _private(sys.stdout.buffer)
    embed = loaded(Path(sys.argv[1]))
    while (question := questions(source)) is not None:
        answers(sink, embed(question))


def _private(stream: BinaryIO) -> BinaryIO:
    """Standard output for answers alone: what libraries print goes to standard error."""
    mine = os.fdopen(os.dup(stream.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), stream.fileno())
    return mine


if __name__ == "__main__":
    main()
