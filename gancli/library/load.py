"""Opening a run or a checkpoint."""

from pathlib import Path

import torch

from gancli.choices import DeviceName
from gancli.environment import choose_device
from gancli.library.arguments import one_of
from gancli.library.in_python import in_python
from gancli.library.model import Model
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import LAST, Run


@in_python
def load(
    run: str | Path | None = None,
    *,
    checkpoint: str | int = LAST,
    raw: bool = False,
    device: str | None = None,
) -> Model:
    """Load a trained generator.

    Args:
        run: a run's folder or its name under the root of runs, a checkpoint file, or a model's name
            (its latest run), `"hf:OWNER/NAME"` (the last checkpoint of a run on the Hugging Face
            hub, which goes into the cache); None: the latest run.
        checkpoint: of a run: `"last"`, `"best"` (by the evaluations made in training), or a step.
        raw: the weights as trained, even where a moving average of them was kept.
        device: `"cpu"`, `"cuda"` or `"mps"`; None: CUDA where there is one, else the CPU.

    Raises:
        RunError: there is no such run or checkpoint, it is damaged, or it needs a plugin that is
            not loaded.
        UsageError: this machine lacks the device, or the hub's package is not installed.
        NetworkError: the hub cannot be reached, or has no such run.
    """
    found = find(None if run is None else str(run))
    saved = open_checkpoint(found, str(checkpoint))
    chosen = torch.device(choose_device(one_of(DeviceName, "device", device)))
    return Model(saved, found if isinstance(found, Run) else None, raw=raw, device=chosen)
