"""Parts of one's own: registered by plugins, recorded in checkpoints, never loaded by them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from conftest import Gan
from helpers import toy_extractor
from PIL import Image

from gancli import plugin_records, plugins
from gancli.checkpoint import load
from gancli.data import KINDS
from gancli.errors import RunError, UsageError
from gancli.evaluation.metrics import METRICS
from gancli.networks import DISCRIMINATORS, GENERATORS
from gancli.objective.term import TERMS
from gancli.optimizers import OPTIMIZERS
from gancli.plugins import VARIABLE, load_plugin
from gancli.preset import load_preset
from gancli.registry import Registry
from gancli.scores import METRIC_TABLE

REGISTRIES: tuple[Registry[Any], ...] = (
    *(KINDS, TERMS, GENERATORS, DISCRIMINATORS, OPTIMIZERS),
    METRICS,
)
Session = Callable[[], AbstractContextManager[None]]

SPIRAL = """
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from gancli import parts, register


@register.dataset("spiral")
class Spiral(parts.DataSpec):
    kind: Literal["spiral"] = "spiral"
    turns: float = 1.5

    @property
    def shape(self):
        return parts.DataShape((2,))

    @property
    def key(self):
        return "points"

    def load(self, folder, seed):
        t = torch.linspace(0.2, 1, 400)
        angle = 2 * torch.pi * self.turns * t
        return parts.Dataset(torch.stack([t * angle.cos(), t * angle.sin()], dim=1))

    def to_samples(self, x):
        return x.float().cpu().numpy()
"""
PRESET = """
base = { preset = "gan", dataset = "ring8" }
dataset = "spiral"
[data]
kind = "spiral"
turns = 2.0
[generator.network]
width = 8
[discriminator.network]
width = 8
[schedule]
steps = 4
batch_size = 8
checkpoint_every = 2
"""


@contextmanager
def fresh() -> Iterator[None]:
    """As in a process of its own: no plugin is loaded before, nor afterwards."""
    stores: list[dict[str, Any]] = [registry._parts for registry in REGISTRIES]
    stores.append(METRIC_TABLE)
    parts = [dict(store) for store in stores]
    modules, variable = set(sys.modules), os.environ.pop(VARIABLE, None)
    begun = set(plugins._begun)
    plugins._begun.clear()
    plugin_records._of_file.cache_clear()
    plugin_records._measured.clear()
    plugin_records._without_file.clear()
    try:
        yield
    finally:
        for store, before in zip(stores, parts, strict=True):
            store.clear()
            store.update(before)
        for name in set(sys.modules) - modules:
            if name.startswith(plugins.PREFIX):
                del sys.modules[name]
        plugins._begun.clear()
        plugins._begun.update(begun)
        os.environ.pop(VARIABLE, None)
        if variable is not None:
            os.environ[VARIABLE] = variable


@pytest.fixture(name="session")
def _session() -> Session:
    return fresh


@pytest.fixture(autouse=True)
def _written() -> None:
    Path("spiral.py").write_text(SPIRAL)
    Path("spiral.toml").write_text(PRESET)


def test_a_data_set_trains_resumes_and_is_sampled(gan: Gan, session: Session) -> None:
    with session():
        assert "'mixture'" in gan("train", "spiral.toml", "--dry-run")[2]
    with session():
        code, _, error = gan("--plugin", "spiral.py", "train", "spiral.toml", "--steps", 2)
        assert code == 0, error
    (run,) = Path("runs").glob("spiral-*")
    last = ["--resume", "--allow-changes", "--out", run, "--plugin=spiral.py"]
    with session():
        assert gan("train", run / "preset.toml", "--steps", 4, *last)[0] == 0
    with session():
        code, said, error = gan("sample", run, "--plugin", "spiral.py", "--out", "made")
        assert code == 0, error
        assert "64 points" in said
    assert Path("made-grid.png").exists()


def test_a_checkpoint_says_what_it_needs_and_loads_nothing(gan: Gan, session: Session) -> None:
    with session():
        assert gan("train", "spiral.toml", "--out", "run", "--plugin", "spiral.py")[0] == 0
        (record,) = load(Path("run/checkpoints/step-000004.safetensors")).header.plugins or ()
        assert (record.name, record.parts) == ("spiral.py", ("Spiral",))
        assert record.path == str(Path("spiral.py").resolve())
    Path("elsewhere").mkdir()
    for command in ("sample", "resume", "evaluate", "traverse"):
        with session():
            code, _, error = gan(command, "run")
            assert code == 4
            assert "needs the plugin spiral.py" in error
            assert f"add --plugin {Path('spiral.py').resolve()}" in error
            assert "spiral" not in KINDS
    Path("spiral.py").rename("elsewhere/spiral.py")
    with session():
        code, _, error = gan("sample", "run")
        assert "add --plugin FILE.py (it was " in error
    with session():
        assert gan("sample", "run", "--plugin", "elsewhere/spiral.py")[0] == 0


ADAGRAD = """
from typing import Literal

import torch

from gancli import parts, register


@register.optimizer("adagrad")
class Adagrad(parts.OptimizerSpec):
    kind: Literal["adagrad"] = "adagrad"
    decay: float = 0.0

    def build(self, parameters):
        return torch.optim.Adagrad(parameters, self.lr, self.decay)
"""


def test_an_optimiser_trains_and_is_resumed(gan: Gan, session: Session) -> None:
    Path("adagrad.py").write_text(ADAGRAD)
    small = ["--set", "generator.network.width=8", "--set", "schedule.batch_size=8"]
    fields = ["--set", "optimizer={kind='adagrad', lr=0.01, decay=0.1}", *small]
    with session():
        code, _, error = gan("train", "gan", "--dataset", "ring8", *fields, "--dry-run")
        assert code == 2
        assert "kind" in error and "adagrad" in error
    plugin = ["--plugin", "adagrad.py"]
    with session():
        arguments = ["--dataset", "ring8", *fields, *plugin, "--steps", 2, "--out", "run"]
        code, _, error = gan("train", "gan", *arguments)
        assert code == 0, error
    with session():
        again = ["--resume", "--allow-changes", "--out", "run", *plugin]
        code, _, error = gan("train", "run/preset.toml", "--steps", 4, *again)
        assert code == 0, error
    with session():
        load_plugin("adagrad.py")
        saved = load(Path("run/checkpoints/step-000004.safetensors"))
        assert saved.header.preset.generator.optimizer.lr == 0.01
        assert any(name.endswith("first_layer.weight.sum") for name in saved.tensors)


@pytest.mark.filterwarnings("default::gancli.plugin_records.ChangedPluginWarning")
def test_a_changed_plugin_is_said_and_not_resumed_with(gan: Gan, session: Session) -> None:
    with session():
        assert gan("train", "spiral.toml", "--out", "run", "--plugin", "spiral.py")[0] == 0
    Path("spiral.py").write_text(SPIRAL + "\n# another line\n")
    with session():
        code, _, error = gan("sample", "run", "--plugin", "spiral.py")
        assert code == 0
        assert "the plugin spiral.py has changed since" in error
        assert "Warning" not in error
    again = ["--out", "run", "--plugin", "spiral.py", "--steps", 6]
    with session():
        code, _, error = gan("resume", "run", "--plugin", "spiral.py")
        assert code == 4
        assert "plugin spiral.py: " in error
        assert "--resume --allow-changes" in error
    with session():
        code, _, error = gan("train", "run/preset.toml", "--resume", "--allow-changes", *again)
        assert code == 0, error
    with session():
        code, _, error = gan("sample", "run", "--plugin", "spiral.py", "--out", "new")
        assert (code, error) == (0, "")


SPREAD = """
from gancli import parts, register


@register.metric("spread")
class Spread(parts.Metric):
    entry = parts.MetricEntry(
        "spread", "Spread of features.", (parts.Score("feature_spread", "spread", "higher"),)
    )
    needs = parts.FeatureNeeds(features=True)

    def compute(self, inputs):
        return {"feature_spread": float(inputs.fake.all_features().std())}
"""


def test_a_metric_is_an_option_and_chooses_checkpoints(
    gan: Gan, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("spread.py").write_text(SPREAD)
    toy = toy_extractor(3 * 16 * 16)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: toy)
    Path("mine").mkdir()
    for number in range(12):
        shade = Image.new("RGB", (16, 16), (20 * number, 9 * number, 3 * number))
        shade.save(f"mine/{number}.png")
    train = ["train", "dcgan", "--dataset", "mine", "--steps", "2", "--out", "run"]
    for field in (
        *("generator.network.dim=4", "discriminator.network.dim=4", "schedule.batch_size=4"),
        *("schedule.evaluate_every=1", "schedule.evaluate_count=10"),
        "schedule.evaluate_by=feature_spread",
    ):
        train += ["--set", field]
    with session():
        assert "feature_spread" in gan(*train)[2]
    with session():
        code, _, error = gan(*train, "--plugin", "spread.py")
        assert code == 0, error
    with session():
        assert "needs the plugin spread.py" in gan("sample", "run")[2]
        assert "gan evaluate has no option --spread" in gan("evaluate", "run", "--spread")[2]
    for named in ("--plugin", VARIABLE):
        with session():
            if named == VARIABLE:
                monkeypatch.setenv(VARIABLE, str(Path("spread.py").resolve()))
            plugin = ["--plugin", "spread.py"] if named == "--plugin" else []
            options = ["--count", 8, "--spread", "--checkpoint", "best", "--json"]
            code, said, error = gan("evaluate", "run", *options, *plugin)
            assert code == 0, error
            assert json.loads(said)[0]["scores"].keys() == {"feature_spread"}


def test_a_preset_without_plugins_records_none(gan: Gan) -> None:
    small = ["--set", "generator.network.width=8", "--set", "schedule.batch_size=8"]
    assert gan("train", "gan", "--dataset", "ring8", "--steps", 1, "--out", "run", *small)[0] == 0
    file = Path("run/checkpoints/step-000001.safetensors")
    assert load(file).header.plugins is None
    assert b"plugins" not in file.read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name", "line 1: ModuleNotFoundError"),
        ("x = 1\n1 / 0", "line 2: ZeroDivisionError"),
        ("def f(:", "line 1: invalid syntax"),
        (SPIRAL.replace('"spiral")\n', '"mixture")\n'), "by its field kind: give it the line"),
        (SPIRAL.replace('"spiral"', '"mixture"'), "data set mixture is registered twice"),
    ],
)
def test_what_fails_in_a_plugin_is_said_with_its_line(
    text: str, said: str, gan: Gan, session: Session
) -> None:
    Path("bad.py").write_text(text)
    with session():
        code, _, error = gan("presets", "--plugin", "bad.py")
        assert code == 2
        assert "cannot load the plugin " in error
        assert said in error
        assert KINDS.keys() == {"mixture", "torchvision", "stacked-digits", "images"}


def test_plugins_that_are_not_there_are_refused(gan: Gan, session: Session) -> None:
    with session():
        assert "no such file" in gan("presets", "--plugin", "gone.py")[2]
        assert "found no plugin gone" in gan("presets", "--plugin", "gone")[2]
        assert "names no plugin" in gan("presets", "--plugin")[2]
    Path("other").mkdir()
    Path("other/spiral.py").write_text("")
    with session():
        load_plugin("spiral.py")
        with pytest.raises(UsageError, match="has the same name"):
            load_plugin("other/spiral.py")


def test_the_environment_names_plugins_for_child_processes(session: Session) -> None:
    with session():
        load_plugin(Path("spiral.py"))
        load_plugin("spiral.py")
        assert os.environ[VARIABLE] == str(Path("spiral.py").resolve())
        code = "from gancli.preset import load_preset; print(load_preset('spiral.toml').data)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{load_preset('spiral.toml').data}\n"


def test_packages_and_entry_points(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path("site/spirals")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from spirals import data")
    (package / "data.py").write_text(SPIRAL)
    monkeypatch.setenv("PYTHONPATH", f"{os.environ.get('PYTHONPATH', '')}:{Path('site').resolve()}")
    show = [sys.executable, "-m", "gancli", "presets", "show", "spiral.toml"]
    without = subprocess.run(show, capture_output=True, text=True, check=False)
    assert without.returncode == 2
    subprocess.run([*show, "--plugin", "spirals"], capture_output=True, check=True)
    info = Path("site/spirals-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spirals\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gancli.plugins]\nspirals = spirals\n")
    subprocess.run(show, capture_output=True, check=True)
    code = dedent("""
        from gancli.plugin_records import records_of
        from gancli.preset import load_preset
        print([(r.name, len(r.sha256), r.path) for r in records_of(load_preset("spiral.toml"))])
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[('spirals', 64, None)]\n"


def test_a_checkpoint_of_a_session_without_files(session: Session) -> None:
    header = '{"plugins": [{"name": "__main__", "sha256": "", "parts": ["Mine"]}]}'
    with session(), pytest.raises(RunError, match="run the code that defines Mine first"):
        plugin_records.require_plugins(Path("x.safetensors"), header.replace("__main__", "gone"))
