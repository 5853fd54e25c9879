"""Run under torchrun by test_parallel.py: trains every preset, narrowed, with its share of work."""

import sys
from pathlib import Path

import torch
from helpers import every_preset, job, narrow, preset_id
from safetensors.torch import save_file

from gancli import parallel
from gancli.launch import quit_at_once
from gancli.trainer import Job, Trainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    world = parallel.join(torch.device("cpu"))
    for key in every_preset():
        alone = job(narrow(key), folder / preset_id(key) / str(world.rank), precision="fp64")
        shared = Job(alone.preset, alone.settings, alone.data, alone.run, world=world)
        trainer = Trainer(shared)
        trainer.train()
        state = {name: t.contiguous() for name, t in trainer.state.tensors().items()}
        save_file(state, alone.run.folder / "state.safetensors")
    parallel.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    quit_at_once(0)
