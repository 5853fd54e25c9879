"""docs/adding-a-gan.md, from an empty folder: its files are written, its commands run."""

import json
import shlex
from pathlib import Path

import numpy as np
from conftest import Gan
from test_plugins import fresh
from test_readme import ROOT, blocks

from gancli.checkpoint import load
from gancli.plugins import load_plugin

PAGE = ROOT / "docs/adding-a-gan.md"


def test_the_page_works_from_an_empty_folder(gan: Gan) -> None:
    commands = []
    for block in blocks(PAGE):
        if block.language in ("python", "toml"):
            assert block.file, "a reader must know which file it is"
            Path(block.file).write_text(block.text)
        for command in block.commands() if block.language == "sh" else ():
            _, *arguments = shlex.split(command)
            # Narrower than the page, whose steps take a while on a busy machine.
            trains = "train" in arguments and "run/preset.toml" not in arguments
            more = ["--steps", "4", "--set", "schedule.checkpoint_every=2"] if trains else []
            with fresh():
                code, said, error = gan(*(a if a != "400" else "6" for a in arguments), *more)
            assert code == 0, f"{command}: {error}"
            commands.append((command, said))
    shown = commands[0][1]
    assert "mean (r - mean f - 1)^2 + mean (f - mean r + 1)^2" in shown
    assert "mean (f - mean r - 1)^2 + mean (r - mean f + 1)^2" in shown
    assert 'family = "skip"' in commands[4][1]
    with fresh():
        load_plugin("mine.py")
        header = load(Path("run/checkpoints/step-000006.safetensors")).header
        assert [record.name for record in header.plugins or ()] == ["mine.py"]
        assert header.plugins is not None
        assert header.plugins[0].parts == ("RelativisticLeastSquares", "Skip")
    with np.load("samples/samples.npz") as samples:
        assert samples["points"].shape == (64, 2)
    assert Path("spiral-points/samples.npz").exists()


def test_the_loss_of_the_page_is_its_equation(gan: Gan) -> None:
    """The first logged losses are what the equation gives for logits of about 0: twice 1."""
    for block in blocks(PAGE)[:2]:
        Path(str(block.file)).write_text(block.text)
    with fresh():
        code, _, error = gan(
            *("train", "mine.toml", "--dataset", "ring8", "--plugin", "mine.py", "--steps", 2),
            *("--out", "run", "--set", "schedule.log_every=1", "--set", "optimizer.lr=1e-9"),
        )
        assert code == 0, error
    row = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[0])
    assert abs(row["loss_discriminator"] - 2) < 0.3
    assert abs(row["loss_generator"] - 2) < 0.3
