"""What commands do not wait for: modules that they do not need, and looks for garbage."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gancli.launch import IMPORTED_OBJECTS

UNNEEDED = (
    *("torch._dynamo", "torch._inductor", "triton", "sympy", "scipy.stats", "torchvision"),
    *("matplotlib", "pandas", "torch_fidelity"),
)
"""Each takes between a tenth of a second and more than one."""
TELL = """
import json, os, runpy, sys
leave = os._exit

def tell(code):
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
    leave(code)

os._exit = tell
runpy.run_module("gancli", run_name="__main__")
"""
"""Runs `gan`, and writes down what was imported when it ends."""
COMMANDS = {
    "train": ("train", "gan", "--dataset", "ring8", "--steps", "2", "--out", "run"),
    "sample points": ("sample", "zoo:gan-ring8", "--count", "20", "--out", "points"),
    "sample digits": ("sample", "zoo:cgan-mnist", "--count", "20", "--out", "digits"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_import_no_more_than_they_need(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TELL, *COMMANDS[name]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = set(json.loads((tmp_path / "modules.json").read_text()))
    assert "torch" in imported
    assert not imported & set(UNNEEDED)


def test_python_looks_for_garbage_again_when_modules_are_there() -> None:
    """In a program of its own: nothing else may have changed when Python looks."""
    code = f"""
import gc
from gancli.launch import start_quickly
usual, noted = gc.get_threshold(), gc.callbacks.copy()
start_quickly()
few = [[] for _ in range({IMPORTED_OBJECTS} // 2)]
assert gc.get_threshold() != usual and not gc.get_freeze_count()
many = [[] for _ in range({IMPORTED_OBJECTS})]
assert gc.get_threshold() == usual and gc.callbacks == noted
assert gc.get_freeze_count() > {IMPORTED_OBJECTS} // 2
class Circle: pass
before = len(gc.get_objects())
for _ in range(100_000):
    circle = Circle()
    circle.itself = circle
assert len(gc.get_objects()) - before < 50_000
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
