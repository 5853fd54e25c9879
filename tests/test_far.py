"""Training on a second device, pretended where there is none: far.py says what it would refuse.

It shows what the CPU hides: tensors that are elsewhere, and a processor that waits for the device.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils import backend_registration

TESTS = Path(__file__).parent
HEADER = Path(torch.__file__).parent / "include" / "ATen" / "autocast_mode.h"
Report = dict[str, dict[str, Any]]
pytestmark = [
    pytest.mark.skipif(
        torch.cuda.is_available(), reason="there is a real second device: test_gpu.py runs on it"
    ),
    pytest.mark.skipif(
        not hasattr(backend_registration, "_setup_privateuseone_for_python_backend")
        or not HEADER.exists(),
        reason="this torch has no devices in Python, or no list of what autocast casts",
    ),
]


def reports(folder: Path, *parts: str) -> list[Report]:
    """What a process of its own found; warnings are errors there, too."""
    command = [sys.executable, "-W", "error", TESTS / "far_process.py", folder, *parts]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout).values())


def errors(found: Report) -> dict[str, str]:
    return {name: one["error"] for name, one in found.items() if "error" in one}


@pytest.mark.slow
def test_every_preset_takes_steps_on_a_second_device(tmp_path: Path) -> None:
    """Two steps, in float32 and bfloat16, and no step waits; float32's losses are the CPU's."""
    (found,) = reports(tmp_path, "steps")
    assert len(found) >= 2 * 126
    check_steps(found)


@pytest.mark.slow
def test_steps_as_graphs_run_on_a_second_device(tmp_path: Path) -> None:
    """What `--compile` hands to the compiler: it waits for nothing, and agrees with the CPU."""
    (found,) = reports(tmp_path, "graphs")
    assert not errors(found) and len(found) == 14
    for name, one in found.items():
        assert one["told"] and all(one["told"]), name
        rel, absolute = (1e-4, 1e-6) if name.endswith("fp32") else (0.05, 0.05)
        assert one["losses"] == pytest.approx(one["wanted"], rel, absolute), name


def test_every_kind_of_turn_is_taken_on_a_second_device(tmp_path: Path) -> None:
    """Terms, augmentation, orders and optimisers that no preset has."""
    (found,) = reports(tmp_path, "turns")
    check_steps(found)


@pytest.mark.slow
def test_memory_is_predicted_as_the_second_device_counts_it(tmp_path: Path) -> None:
    """But for blocks that are filled in part, and for what autocast casts on CUDA alone."""
    (found,) = reports(tmp_path, "memory")
    assert not errors(found) and len(found) == 14
    for name, one in found.items():
        assert one["predicted"] == pytest.approx(one["counted"], 0.12, 40_000), name


def check_steps(found: Report) -> None:
    assert not errors(found)
    for name, one in found.items():
        assert one["elsewhere"] == [], name
        assert one["copies"] > 0, name
        exact = found[name.replace("bf16", "fp32")]["wanted"]
        rel, absolute = (1e-5, 1e-7) if name.endswith("fp32") else (0.03, 0.02)
        assert one["losses"] == pytest.approx(exact, rel, absolute), name


def test_faults_of_devices_are_found(tmp_path: Path) -> None:
    """Each planted fault stops the step, by its name; without one it is taken."""
    found = errors(*reports(tmp_path, "controls"))
    said = {
        "a CPU vector": "takes a CPU tensor of [16, 1] beside the device's",
        "item": "the host waits for aten._local_scalar_dense",
        "a mask": "the host waits for aten.index",
        "a blocking copy": "a blocking copy of [16, 1] to the device",
        "a float64 vector": "a float64 tensor of [16, 1]",
    }
    assert found.keys() == {f"{name} {how}" for name in said for how in ("fp32", "bf16")}
    for name, error in found.items():
        assert said[name.rpartition(" ")[0]] in error


def check_runs(found: Report) -> None:
    assert not errors(found)
    for name, one in found.items():
        assert one["rows"] >= 3 and one["previews"] == [0, 4, 8], name
        assert one["same log"] and one["samples"], name
        assert one["resumed"] == one["saved"] == [], name


@pytest.mark.slow
def test_whole_runs_and_scores_on_a_second_device(tmp_path: Path) -> None:
    """Logs, previews, checkpoints; resumed to the last bit; sampled and scored as on the CPU."""
    found, scores = reports(tmp_path, "runs", "scores")
    assert len(found) == 7
    check_runs(found)
    assert not errors(scores)
    for name, value in scores["cpu"].items():
        if name != "copies":
            assert scores["far"][name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.slow
def test_every_presets_run_on_a_second_device(tmp_path: Path) -> None:
    """In both precisions, in one of them with the data on the device."""
    (found,) = reports(tmp_path, "all-runs")
    assert len(found) >= 2 * 126
    check_runs(found)
