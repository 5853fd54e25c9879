"""The wheel, installed into another environment and run from another folder, works."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

import gancli

ROOT = Path(__file__).parent.parent
PROGRAM = """
import gancli

model = gancli.train("gan", "ring8", steps=2, overrides={"schedule.batch_size": 8})
points = model.sample(seeds=range(10))
print(points.shape, model.evaluate())
"""


@pytest.mark.slow
def test_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(list(map(str, build)), check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--no-deps", "--no-index", wheel],
        check=True,
        capture_output=True,
    )
    # It sees this environment's packages, but not this checkout.
    lib = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "venv" / "lib" / lib / "site-packages"
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def call(program: str, *arguments: str) -> str:
        command = [str(python.parent / program), *arguments]
        done = subprocess.run(
            command, cwd=elsewhere, check=True, capture_output=True, text=True, env=environment
        )
        return done.stdout

    def gan(*arguments: str) -> str:
        return call("gan", *arguments)

    assert str(site) in call("python", "-c", "import gancli; print(gancli.__file__)")
    assert "sngan-hinge" in gan("presets")
    assert "Gulrajani et al. 2017, equation 3" in gan("explain", "wgan-gp")
    small = ["--set", "generator.network.width=8", "--set", "schedule.batch_size=8"]
    gan("train", "gan", "--dataset", "ring8", "--steps", "2", "--out", "run", *small)
    gan("sample", "run", "--count", "3", "--out", "made")
    assert (elsewhere / "made" / "samples.npz").exists()
    (elsewhere / "program.py").write_text(PROGRAM)
    assert "modes_held" in call("python", "program.py")
    assert (site / "gancli" / "py.typed").exists()


def test_the_citation_is_of_this_version_and_distributed() -> None:
    cited = (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"^version: {re.escape(gancli.__version__)}$", cited, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "CITATION.cff" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert f"license: {project['project']['license']}" in cited
