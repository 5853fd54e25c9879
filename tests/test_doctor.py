"""`gan doctor` finds what stands in the way, says what to type, and works where much is broken."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import Gan
from unprivileged import ordinary_user, without_rights

from gancli.choices import DeviceName
from gancli.data.torchvision_sets import SETS
from gancli.doctor import devices, disk, supplies, versions
from gancli.doctor.check_result import CheckResult, CheckState, pip_install
from gancli.doctor.devices import NvidiaGpus, nvidia_gpus, why_unused
from gancli.doctor.examine import examine
from gancli.doctor.supplies import data_checks, weight_checks
from gancli.doctor.versions import torchvision_check, version_checks
from gancli.evaluation.pretrained import PRETRAINED, PretrainedNetwork, hub_folder

ROOT = Path(__file__).parent.parent
GROUPS = ["versions", "devices", "disk", "caches", "data", "weights"]
REAL = Path(os.environ["GANCLI_DATA"]) if os.environ.get("GANCLI_DATA") else None
GPU = NvidiaGpus(("NVIDIA T4",), "470.82")


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANCLI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "data").mkdir()


def by_name(found: list[CheckResult]) -> dict[str, CheckResult]:
    return {each.name: each for each in found}


def as_json(gan: Gan, *options: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = gan("doctor", "--json", *options)
    return code, json.loads(out)


def test_the_table_has_a_line_for_everything_and_no_fault(gan: Gan) -> None:
    code, out, said = gan("doctor")
    assert code == 0, said
    begins = [line.partition(" ")[0] for line in out.splitlines()]
    assert [word for word in begins if word in GROUPS] == GROUPS
    assert torch.__version__ in out
    assert "nothing stands in the way" in out
    code, found = as_json(gan)
    assert code == 0
    assert found["ok"]
    assert list(dict.fromkeys(each["group"] for each in found["checks"])) == GROUPS
    assert {each["state"] for each in found["checks"]} <= {"ok", "absent", "note"}


def test_a_fault_has_its_own_exit_code(gan: Gan, tmp_path: Path) -> None:
    (tmp_path / "data" / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"half")
    code, _, said = gan("doctor")
    assert code == 10
    assert "mnist" in said
    code, found = as_json(gan)
    assert code == 10
    assert not found["ok"]


def test_a_check_that_breaks_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Iterator[CheckResult]:
        raise RuntimeError("operator torchvision::nms does not exist")

    for module, name in (
        (versions, "version_checks"),
        (devices, "device_checks"),
        (disk, "disk_checks"),
        (disk, "cache_checks"),
        (supplies, "data_checks"),
        (supplies, "weight_checks"),
    ):
        monkeypatch.setattr(module, name, broken)
    found = examine()
    assert [each.group for each in found] == GROUPS
    assert all("nms" in each.said and each.state == CheckState.FAULT for each in found)


BROKEN = """raise ImportError("libcudart.so.12: cannot open shared object file")"""


@pytest.mark.parametrize("package", ["torch", "torchvision"])
def test_a_broken_package_leaves_the_rest_of_the_table(package: str, tmp_path: Path) -> None:
    (tmp_path / "broken" / package).mkdir(parents=True)
    (tmp_path / "broken" / package / "__init__.py").write_text(BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "gancli", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"},
    )
    assert done.returncode == 10, done.stderr
    assert "Traceback" not in done.stderr
    found = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert found[package]["state"] == "fault"
    assert "libcudart" in found[package]["found"]
    assert "pip install --force-reinstall" in found[package]["mend"][0]
    groups = [each["group"] for each in json.loads(done.stdout)["checks"]]
    assert list(dict.fromkeys(groups)) == GROUPS
    assert found["runs"]["state"] == "ok"


@pytest.mark.parametrize("words", [["train", "gan", "--dataset", "ring8"], ["data", "--caches"]])
def test_other_commands_point_to_the_doctor(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "broken" / "torch").mkdir(parents=True)
    (tmp_path / "broken" / "torch" / "__init__.py").write_text(BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "gancli", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"},
    )
    assert done.returncode == 10
    assert "gan doctor says what to type" in done.stderr


def test_remains_of_a_package_are_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "remains_of_torch").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = versions.loaded("remains_of_torch")
    assert isinstance(found, ImportError)
    assert "remains" in str(found)


def test_without_a_home_and_in_a_folder_that_may_not_be_read(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    gan("doctor")
    with ordinary_user(lambda: Path("cache/images").mkdir(parents=True)) as folder:
        for name in ("GANCLI_DATA", "GANCLI_RUNS", "TORCH_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GANCLI_CACHE", str(folder / "cache"))
        monkeypatch.setenv("HOME", str(folder / "missing"))
        with without_rights(folder / "cache" / "images"):
            code, found = as_json(gan)
            assert code == 0
            lines = [each for each in found["checks"] if each["group"] == "caches"]
            assert "may not be read" in lines[-1]["found"]
            assert subprocess.run(lines[-1]["mend"][0], shell=True, check=False).returncode == 0
            assert os.access(folder / "cache" / "images", os.R_OK)
        with without_rights(folder / "cache", 0o555):
            code, found = as_json(gan)
            line = next(each for each in found["checks"] if each["name"] == "cache")
            assert (code, line["state"]) == (0, "note")
            assert line["mend"][0].startswith("export GANCLI_CACHE=")
        with without_rights(folder, 0o555):
            assert as_json(gan)[0] == 10


@pytest.mark.parametrize(("free", "state"), [(10**12, "ok"), (10**9, "note"), (10**7, "fault")])
def test_a_full_disk(free: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    found = by_name(list(disk.disk_checks(None)))
    assert found["runs"].state == state
    assert bool(found["runs"].mend) == (state != "ok")


def test_without_a_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    found = by_name(list(disk.disk_checks(None)))["temporary files"]
    assert found.state == CheckState.FAULT
    assert found.mend[0].startswith("export TMPDIR=")


# --- versions ---


def test_another_torch_than_torchvisions_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.requires

    def requires(name: str) -> list[str] | None:
        return ["numpy", "torch (==2.3.1)"] if name == "torchvision" else real(name)

    monkeypatch.setattr(metadata, "requires", requires)
    found = torchvision_check()
    assert found.state == CheckState.FAULT
    assert "built for torch ==2.3.1" in found.said
    plain = torch.__version__.partition("+")[0]
    assert found.mend == (pip_install("--upgrade", "torchvision", f"torch=={plain}"),)


@pytest.mark.parametrize("name", ["torch", "torchvision"])
def test_a_missing_package_is_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(asked: str) -> str:
        if asked == name:
            raise metadata.PackageNotFoundError(asked)
        return real(asked)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(versions, "import_module", _without(name))
    found = by_name(list(version_checks()))[name]
    assert (found.state, found.said) == (CheckState.FAULT, "missing")
    assert "--force-reinstall" not in found.mend[0]


def _without(name: str) -> Any:  # noqa: ANN401
    from importlib import import_module

    def load(asked: str) -> Any:  # noqa: ANN401
        if asked == name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(asked)

    return load


def test_extras_and_packages_are_those_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["torch>=2.6", "rich>=99", "nosuch>=1", 'nosuch-extra>=2 ; extra == "cloud"']
    said += ['rich>=1 ; extra == "here"', 'nosuch-tool ; extra == "dev"']
    monkeypatch.setattr(metadata, "requires", lambda name: said)
    found = by_name(list(version_checks()))
    assert found["packages"].state == CheckState.FAULT
    assert "nosuch is missing" in found["packages"].said
    assert "rich is" in found["packages"].said
    assert found["packages"].mend == (pip_install("rich>=99", "nosuch>=1"),)
    assert found["extras"].facts == {"there": ["here"], "absent": ["cloud"]}
    assert found["extras"].mend == (pip_install("nosuch-extra>=2"),)


def test_pip_is_called_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the environment of `uv tool install`, which has none."""
    line = shlex.split(pip_install("--version"))
    line.remove("install")
    assert subprocess.run(line, check=False, capture_output=True).returncode == 0
    monkeypatch.setattr("gancli.doctor.check_result.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert shlex.split(pip_install("rich"))[:3] == ["uv", "pip", "install"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "-m ensurepip && " in pip_install("rich")


# --- devices ---


def toy_torch(cuda: str | None = "13.0", error: str = "") -> Any:  # noqa: ANN401
    def init() -> None:
        if error:
            raise RuntimeError(error)

    mps = SimpleNamespace(is_built=lambda: False, is_available=lambda: False)
    return SimpleNamespace(
        __version__="2.9.1",
        version=SimpleNamespace(cuda=cuda, hip=None),
        backends=SimpleNamespace(mps=mps),
        cuda=SimpleNamespace(init=init, is_available=lambda: False),
        get_num_threads=lambda: 2,
    )


@pytest.mark.parametrize(
    ("found", "gpus", "heard", "why", "mend"),
    [
        (toy_torch(cuda=None), GPU, "", "built for the CPU", "install --force-reinstall"),
        (toy_torch(), NvidiaGpus(("an NVIDIA GPU",)), "", "driver is missing", ""),
        (toy_torch(), GPU, "The NVIDIA driver on your system is too old (found ...)", "470.82",
         "whl/cu126"),
        (toy_torch(error="CUDA error 802: system not yet initialized"), GPU, "", "802", ""),
    ],
)  # fmt: skip
def test_why_a_gpu_is_not_used(
    found: Any,  # noqa: ANN401
    gpus: NvidiaGpus,
    heard: str,
    why: str,
    mend: str,
) -> None:
    said, lines = why_unused(found, gpus, heard)
    assert why in said
    assert mend in " ".join(lines)
    assert bool(lines) == bool(mend)


def test_a_hidden_gpu_and_what_makes_it_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(devices, "loaded", lambda name: toy_torch())
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: GPU)
    found = by_name(list(devices.device_checks(None)))["CUDA"]
    assert found.state == CheckState.NOTE
    assert found.mend == ("unset CUDA_VISIBLE_DEVICES",)
    wanted = by_name(list(devices.device_checks(DeviceName.CUDA)))["CUDA"]
    assert wanted.state == CheckState.FAULT


def test_gpus_are_seen_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    for index, (vendor, kind) in enumerate(
        [("0x10de", "0x030200"), ("0x10de", "0x040300"), ("0x1002", "0x030000")]
    ):
        (tmp_path / "pci" / str(index)).mkdir(parents=True)
        (tmp_path / "pci" / str(index) / "vendor").write_text(f"{vendor}\n")
        (tmp_path / "pci" / str(index) / "class").write_text(f"{kind}\n")
    monkeypatch.setattr(devices, "PCI", tmp_path / "pci")
    assert nvidia_gpus() == NvidiaGpus(("an NVIDIA GPU",))
    monkeypatch.setattr(devices, "PCI", tmp_path / "none")
    assert nvidia_gpus() == NvidiaGpus()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100, 550.54.15'\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    assert nvidia_gpus() == NvidiaGpus(("NVIDIA H100",), "550.54.15")
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert nvidia_gpus() == NvidiaGpus()


# --- data and weights ---


def test_each_set_lacks_what_is_missing(tmp_path: Path) -> None:
    """Every file that torchvision reads is needed, and none may be cut off."""
    for known in SETS.values():
        names = (known.file, *known.others)
        where = known.where(tmp_path)
        for missing in names:
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir(parents=True)
            for name in names:
                if name != missing:
                    (where / name).mkdir() if name in ("jpg", "img_align_celeba") else (
                        where / name
                    ).write_bytes(b"x")
            assert missing in known.lacking(tmp_path), known.name
        shutil.rmtree(where)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_real_sets_are_whole_and_a_cut_file_is_not(name: str, tmp_path: Path) -> None:
    known = SETS[name]
    if REAL is None or not known.is_present(REAL):
        pytest.skip(f"GANCLI_DATA names no folder with {name}")
    real = REAL
    assert known.lacking(real) == ()
    shutil.copytree(known.where(real), known.where(tmp_path))
    file = known.where(tmp_path) / known.file
    os.truncate(file, file.stat().st_size // 2)
    assert "bytes" in known.lacking(tmp_path)[0]


def test_what_mends_a_broken_set_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    (folder / "MNIST" / "raw").mkdir(parents=True)
    (folder / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"half")
    found = by_name(list(data_checks(folder)))["mnist"]
    assert found.state == CheckState.FAULT
    aside, again = found.mend
    assert subprocess.run(aside, shell=True, check=False).returncode == 0
    assert (folder / "MNIST" / "raw.broken" / "train-images-idx3-ubyte").exists()
    assert shlex.split(again) == ["gan", "data", "mnist", "--data-dir", str(folder)]
    assert "mnist" in by_name(list(data_checks(folder)))["absent"].said


def test_weights_are_there_damaged_or_can_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "served.pth"
    source.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    known = PretrainedNetwork("mine.pth", source.as_uri(), digest, "", 1)
    monkeypatch.setitem(PRETRAINED, "mine", known)
    found = by_name(list(weight_checks()))["absent"]
    assert "mine" in found.said
    if shutil.which("curl"):
        assert subprocess.run(found.mend[-1], shell=True, check=False).returncode == 0
        assert (hub_folder() / "mine.pth").read_bytes() == b"weights"
        assert by_name(list(weight_checks()))["mine"].state == CheckState.OK
    hub_folder().mkdir(parents=True, exist_ok=True)
    (hub_folder() / "mine.pth").write_bytes(b"cut")
    assert by_name(list(weight_checks()))["mine"].state == CheckState.FAULT
