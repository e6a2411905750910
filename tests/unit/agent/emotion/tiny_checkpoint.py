"""``python -m tiny_checkpoint FILE``: a real checkpoint of a small pyannote.audio model with random weights."""

import os
import sys
from types import ModuleType

os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
extension = ModuleType("torchaudio._extension")
extension.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
extension._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
sys.modules["torchaudio._extension"] = extension

if __name__ == "__main__":
    import lightning
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC

    torch.manual_seed(1)
    model = XVectorMFCC(dimension=64)
    model.specifications = Specifications(Problem.REPRESENTATION, Resolution.CHUNK, duration=3.0)
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, sys.argv[1])
