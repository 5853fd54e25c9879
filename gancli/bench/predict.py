"""What a step needs on any device, from tensors without content: nothing is computed.

Every operation's results are counted as they come and go, as an allocator would. What a kernel
takes for itself, and what an allocator keeps in reserve, is not seen.
"""

import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gancli.bench.loops import trainer
from gancli.bench.measure import count_flops
from gancli.bench.memory import made_up_data
from gancli.checkpoint import RunSettings
from gancli.preset import Preset, change
from gancli.preset.schedule import MOST_STEPS
from gancli.trainer import Trainer

BLOCK = 512
"""Bytes, of which CUDA's allocator takes whole ones
(https://docs.pytorch.org/docs/stable/notes/cuda.html#memory-management)."""


class StepNeeds(NamedTuple):
    """What a step of a run takes, whatever computes it."""

    operations: int
    """floating-point operations, of its products and convolutions"""
    peak_bytes: int
    """the most that its tensors take together, weights and the optimisers' state among them"""
    rest_bytes: int
    """of these, what they take between two steps"""
    moved_bytes: int
    """what its operations read and write, if each fetched all of its own"""
    calls: int
    """operations, each of which a processor asks a GPU for, or takes itself where it draws"""


class LiveBytes:
    """How much the storages alive now take, and the most that they took."""

    def __init__(self) -> None:
        self.now = 0
        self.peak = 0
        self._sizes: dict[int, int] = {}

    def add(self, tensor: Tensor) -> None:
        """Count a tensor's storage until it is freed, unless it is counted already."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._sizes:
            return
        self._sizes[key] = -(-storage.nbytes() // BLOCK) * BLOCK
        self.now += self._sizes[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key)


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what operations leave behind, read and write."""

    def __init__(self, live: LiveBytes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = live
        self.moved = 0
        self.calls = 0

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch gives it no type
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """Take the operation, and count it."""
        given = kwargs or {}
        made = func(*args, **given)
        results = [x for x in tree_leaves(made) if isinstance(x, Tensor)]
        for result in results:
            self.live.add(result)
        if not func.is_view:
            taken = [x for x in tree_leaves((args, given)) if isinstance(x, Tensor)]
            self.moved += sum(x.nbytes for x in (*taken, *results))
            self.calls += 1
        return made


def predict_step(preset: Preset, settings: RunSettings) -> StepNeeds:
    """Take two steps of a run without computing them; the second one counts.

    In the first the optimisers get their state. Whatever the settings' device, the tensors pretend
    to be on the processor, as torch would ask a GPU for memory for those that pretend to be there.
    The data are not counted: they may be on the device or come batch by batch.

    Args:
        preset: of the run.
        settings: of them the precision counts.
    """
    quiet = change(preset, [f"schedule.log_every={MOST_STEPS}"])
    here = settings.model_copy(update={"device": "cpu", "compiled": False})
    live = LiveBytes()
    with tempfile.TemporaryDirectory() as name:
        run = trainer(quiet, made_up_data(quiet), here, Path(name))
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        # What stands for a weight must be the same tensor throughout, so it must stay alive.
        standing = [mode.from_tensor(tensor) for tensor in _weights(run)]
        for tensor in standing:
            live.add(tensor)
        with mode, OperationCounter(live):
            run.step()
        with mode, OperationCounter(live) as counter:
            live.peak = live.now
            operations = count_flops(run.step)
    return StepNeeds(operations, live.peak, live.now, counter.moved, counter.calls)


def _weights(run: Trainer) -> list[Tensor]:
    """Every parameter and buffer, that of the average as well."""
    ema = run.state.ema
    networks = [*run.state.players.named().values(), *([] if ema is None else [ema])]
    return [tensor for net in networks for tensor in (*net.parameters(), *net.buffers())]
