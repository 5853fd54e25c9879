"""Settles on a GPU what only a GPU can show, and writes it as a table into docs/gpu.md.

`make gpu` runs it after all tests that are marked `gpu`. For each preset and precision it times
steps, reads the peak of memory, compares samples with the processor's and a resumed run with one
that was not interrupted. `--device cpu --narrow --out FILE` tries the script itself out.
"""

import argparse
import gc
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from helpers import Key, narrow

from gancli.bench.loops import COMPILED, OURS, build, trainer
from gancli.bench.measure import alternate, count_flops, matmul_peak
from gancli.bench.memory import forget_peak, made_up_data, peak
from gancli.bench.predict import predict_step
from gancli.checkpoint import RunSettings, load
from gancli.errors import GanError
from gancli.plurals import in_memory
from gancli.preset import Preset, change, load_preset
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.trainer import Job, Trainer

PAGE = Path(__file__).parent.parent / "docs" / "gpu.md"
MEASURED = "## Measured\n"
"""The page's last heading; what is below it is replaced."""
PRECISIONS = ("fp32", "bf16")
KEYS: list[Key] = [
    ("dcgan", "cifar10", "reference"),
    ("sngan-hinge", "cifar10", "reference"),
    ("wgan-gp", "cifar10", "reference"),
    ("acgan", "cifar10", "reference"),
    ("cgan-cbn", "cifar10", "reference"),
    ("sagan", "cifar10", "reference"),
    ("sngan-projection", "cifar10", "reference"),
    ("gan", "ring8", "reference"),
]
"""Those of docs/speed.md, and one of points."""
HEADINGS = (
    "preset", "precision", "ms per step", "images/s", "share of peak", "memory", "predicted",
    "compiled / not", "samples differ by", "resumed to the bit",
)  # fmt: skip
SAMPLES = 16


@dataclass(frozen=True)
class Way:
    """How a preset is tried."""

    key: Key
    preset: Preset
    settings: RunSettings
    seconds: float

    @property
    def device(self) -> torch.device:
        """Where."""
        return torch.device(self.settings.device)


def timed(way: Way) -> list[str]:
    """Milliseconds, images per second, the share of the peak, memory measured and predicted."""
    device, settings = way.device, way.settings
    # What an earlier row has left must not be freed, or counted, in this one.
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        data = made_up_data(way.preset)
        before = forget_peak(device)
        run = trainer(way.preset, data, settings, Path(folder))
        found = alternate({"": run.step}, rounds=1, seconds=way.seconds, device=device)[""]
        memory = peak(device) - before
        rate = count_flops(run.step) / found.median
    images = way.preset.schedule.batch_size * way.preset.batches_per_step / found.median
    share = rate / matmul_peak(device, settings.autocast or settings.dtype)
    predicted = predict_step(way.preset, settings).peak_bytes
    times = [f"{1e3 * found.median:,.2f}", f"{images:,.0f}", f"{share:.1%}"]
    # The processor's peak is the whole process's, other rows included.
    taken = in_memory(memory) if device.type == "cuda" else "-"
    return [*times, taken, in_memory(predicted)]


def compiled(way: Way) -> list[str]:
    """The time of steps with `--compile` in units of that without, both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        data = made_up_data(way.preset)
        steps = {
            name: build(name, way.preset, data, way.settings, Path(folder))
            for name in (OURS, COMPILED)
        }
        found = alternate(steps, rounds=3, seconds=way.seconds / 3, device=way.device)
    return [f"{found[COMPILED].ratio(found[OURS]):.2f}"]


def compared_with_the_processor(trained: Trainer, preset: Preset) -> str:
    """The largest difference of a sample's number from the one that the processor makes."""
    saved = load(trained.job.run.checkpoint())
    here, there = (
        Sampler(saved.generator().to(device), preset).all(range(SAMPLES)).astype(np.float64)
        for device in ("cpu", trained.device)
    )
    difference = float(np.abs(here - there).max())
    return f"{difference:.0f} of 255" if preset.data.shape.is_image else f"{difference:.1g}"


def resumed(way: Way) -> list[str]:
    """How samples differ, and whether four steps are two and two more, with `--deterministic`."""
    short = ["schedule.steps=4", "schedule.checkpoint_every=2", "schedule.keep_every=2"]
    preset = change(way.preset, [*short, "schedule.preview_every=4", "schedule.min_previews=0"])
    settings = way.settings.model_copy(update={"deterministic": True})
    data = made_up_data(preset)
    torch.use_deterministic_algorithms(True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder) / "run")
            run.write_preset(preset)
            straight = Trainer(Job(preset, settings, data, run))
            first = straight.train().tensors()
            middle = load(run.checkpoint_file(2))
            samples = compared_with_the_processor(straight, preset)
            run.cut_back(2)
            second = Trainer(Job(preset, settings, data, run, resume_from=middle)).train().tensors()
    finally:
        torch.use_deterministic_algorithms(False)
    same = all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    return [samples, "yes" if same else "**no**"]


def attempt(part: Callable[[Way], list[str]], way: Way, cells: int) -> list[str]:
    """What came of it; an error in the first cell, so that the other rows are written."""
    try:
        return part(way)
    except (GanError, RuntimeError) as error:
        said = str(error).splitlines()[0].replace("|", "/")
        return [f"**{type(error).__name__}: {said}**", *[""] * (cells - 1)]


def rows(ways: Sequence[Way]) -> Iterator[list[str]]:
    """The table, row by row."""
    for way in ways:
        name = "/".join(part for part in way.key if part)
        found = [name, way.settings.precision, *attempt(timed, way, 5)]
        found += [*attempt(compiled, way, 1), *attempt(resumed, way, 2)]
        sys.stdout.write(" | ".join(found) + "\n")
        sys.stdout.flush()
        yield found


def table(device: torch.device, found: Sequence[Sequence[str]]) -> str:
    """As Markdown, below what computed it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    lines = [HEADINGS, ["---", "---", *["---:"] * (len(HEADINGS) - 2)], *found]
    marked = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n{name}, PyTorch {torch.__version__}:\n\n{marked}\n"


def put(page: Path, measured: str) -> None:
    """Replace what the page says was measured, or begin a page with it."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(text.partition(MEASURED)[0] + MEASURED + measured, encoding="utf-8")


def main() -> None:
    """Try every preset, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--out", type=Path, default=PAGE, help="the page")
    parser.add_argument("--only", help="MODEL of the presets, separated by commas")
    parser.add_argument("--seconds", type=float, default=2.0, help="of timing, each")
    parser.add_argument("--narrow", action="store_true", help="small networks, to try this out")
    said = parser.parse_args()
    if said.device == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "there is no CUDA device: add --device cpu --narrow --out FILE to try it\n")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    wanted = said.only.split(",") if said.only else [key[0] for key in KEYS]
    ways = [
        Way(
            key,
            narrow(key) if said.narrow else load_preset(*key),
            RunSettings.model_validate({"device": said.device, "precision": precision}),
            said.seconds,
        )
        for key in KEYS
        if key[0] in wanted
        for precision in PRECISIONS
    ]
    put(said.out, table(torch.device(said.device), list(rows(ways))))
    sys.stdout.write(f"the table is in {said.out}\n")


if __name__ == "__main__":
    main()
