"""Run under torchrun by test_parallel.py: trains presets, narrowed, with its share of them."""

import json
import sys
from pathlib import Path

import torch
from helpers import divisible, job
from safetensors.torch import save_file

from gancli import parallel
from gancli.launch import quit_at_once
from gancli.trainer import Job, Trainer
from gancli.turn_gauge import is_gauge


def main(folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)
    world = parallel.join(torch.device("cpu"))
    for name, preset in divisible(names).items():
        alone = job(preset, folder / name / str(world.rank), precision="fp64")
        settings = alone.settings.model_copy(update={"sync_bn": True})
        shared = Job(alone.preset, settings, alone.data, alone.run, world=world)
        trainer = Trainer(shared)
        trainer.train()
        state = {name: t.contiguous() for name, t in trainer.state.tensors().items()}
        save_file(state, alone.run.folder / "state.safetensors")
        gauges = {name: value for name, value in trainer.metrics.items() if is_gauge(name)}
        (alone.run.folder / "gauges.json").write_text(json.dumps(gauges))
    parallel.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
    quit_at_once(0)
