"""Checkpoints that are whole by their own hash and hold what no run has: a sentence each time."""

import hashlib
import json
import shlex
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Gan

from gancli.cli.main import run as typed
from gancli.runs.folder import Run

SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
    *("--set", "schedule.log_every=5", "--steps", 7),
]
Parts = dict[str, tuple[str, list[int], bytes]]
"""Tensor -> its type, its shape, its bytes."""
Said = dict[str, Any]
"""What a header says."""
ZEROS = "0" * 64


def opened(content: bytes) -> tuple[Said, Parts]:
    length = struct.unpack("<Q", content[:8])[0]
    table, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    said = json.loads(table.pop("__metadata__")["gancli"])
    places = {name: each["data_offsets"] for name, each in table.items()}
    return said, {
        name: (each["dtype"], each["shape"], body[slice(*places[name])])
        for name, each in table.items()
    }


def sealed(said: object, parts: Parts) -> bytes:
    """A file whose hash is right."""
    metadata = {"format": "gancli-checkpoint-1", "gancli": json.dumps(said), "sha256": ZEROS}
    table: dict[str, object] = {"__metadata__": metadata}
    place = 0
    for name, (kind, shape, data) in parts.items():
        ends = [place, place + len(data)]
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": ends}
        place = ends[1]
    head = json.dumps(table, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    body = b"".join(data for _, _, data in parts.values())
    content = struct.pack("<Q", len(head)) + head + body
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(ZEROS.encode(), digest, 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert typed([*map(str, SMALL), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(trained: Path) -> Run:
    """A copy of a run that has ended."""
    shutil.copytree(trained, "run")
    return Run(Path("run"))


def assert_sentences(gan: Gan, *commands: list[object]) -> None:
    for command in commands:
        code, _, err = gan(*command)
        assert (code, err.count("\n")) == (4, 1), f"gan {command}: {code} {err}"
        assert "internal error" not in err


def of_type(kind: str, bits: int) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        name = next(name for name in parts if name.startswith("generator."))
        _, shape, data = parts[name]
        parts[name] = (kind, shape, b"\x38" * (len(data) // 4 * bits // 8))

    return change


def without(prefix: str) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        for name in [name for name in parts if name.startswith(prefix)]:
            del parts[name]

    return change


def instead(prefix: str, kind: str, shape: list[int], data: bytes) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        found = [name for name in parts if name.startswith(prefix)]
        assert found, sorted(parts)
        for name in found:
            parts[name] = (kind, shape, data)

    return change


def adding(name: str, kind: str, shape: list[int], data: bytes) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        assert name not in parts
        parts[name] = (kind, shape, data)

    return change


@pytest.mark.parametrize(
    "change",
    [
        of_type("F8_E8M0", 8),
        of_type("F8_E5M2", 8),
        of_type("F8_E4M3", 8),
        of_type("F4", 4),
        without(""),
    ],
    ids=["F8_E8M0", "F8_E5M2", "F8_E4M3", "F4", "no tensors"],
)
def test_types_that_no_run_has(change: Callable[[Parts], None], run: Run, gan: Gan) -> None:
    file = run.checkpoint()
    said, parts = opened(file.read_bytes())
    assert sealed(said, parts).count(b"sha256") == 1
    change(parts)
    file.write_bytes(sealed(said, parts))
    more = ["train", "gan", "--out", "run", "--resume", "--allow-changes", "--steps", 9]
    assert_sentences(gan, ["sample", "run"], ["resume", "run"], more)


@pytest.mark.parametrize(
    ("change", "samples"),
    [
        (without("generator."), False),
        (without("discriminator."), True),
        (without("count.batches"), True),
        (instead("count.batches", "I64", [], struct.pack("<q", -1)), True),
        (instead("count.", "I64", [2], struct.pack("<qq", 1, 2)), True),
        (adding("meter.discriminator.vanilla", "F64", [3], b"\0" * 24), True),
        (adding("meter.discriminator.vanilla", "F64", [2], b"\0" * 16), True),
        (instead("optimizer.generator.", "F32", [3], b"\0" * 12), True),
        (instead("generator.", "F32", [1], b"\0" * 4), False),
    ],
    ids=range(9),
)
def test_tensors_that_are_not_the_runs(
    change: Callable[[Parts], None], samples: bool, run: Run, gan: Gan
) -> None:
    file = run.checkpoint()
    said, parts = opened(file.read_bytes())
    change(parts)
    file.write_bytes(sealed(said, parts))
    more = ["train", "gan", "--out", "run", "--resume", "--allow-changes", "--steps", 9]
    assert_sentences(gan, more)
    if samples:
        assert gan("sample", "run")[0] == 0
    else:
        assert_sentences(gan, ["sample", "run"])


def changed(path: str, value: object) -> Callable[[Said], object]:
    def change(said: Said) -> object:
        *outer, last = path.split(".")
        below = said
        for key in outer:
            below = below[key]
        below[last] = value
        return said

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda said: [],
        lambda said: None,
        lambda said: 3,
        changed("step", "seven"),
        changed("step", -1),
        changed("step", 10**12),
        changed("step", 10**400),
        changed("settings.seed", 1.5),
        changed("settings.threads", 0),
        changed("settings.device", "abacus"),
        changed("preset", None),
        changed("preset", []),
        changed("preset.generator", []),
        changed("preset.generator.network", "wide"),
        changed("preset.schedule.batch_size", "many"),
        changed("preset.deviations", 3),
        changed("preset.objective", []),
        changed("plugins", 3),
        changed("plugins", [{}]),
        changed("plugins", [[]]),
        changed("metrics", {"loss": []}),
        changed("versions", []),
        changed("data", ["\udcff"]),
    ],
    ids=range(23),
)
def test_headers_that_no_run_wrote(change: Callable[[Said], object], run: Run, gan: Gan) -> None:
    file = run.checkpoint()
    said, parts = opened(file.read_bytes())
    file.write_bytes(sealed(change(said), parts))
    assert_sentences(gan, ["status", "run"], ["sample", "run"], ["resume", "run"])


def ruined(file: Path) -> None:
    """Let the weights be finite, and of no use."""
    said, parts = opened(file.read_bytes())
    for name, (kind, shape, data) in parts.items():
        if name.startswith(("generator.", "discriminator.")):
            parts[name] = (kind, shape, struct.pack("<f", 1e38) * (len(data) // 4))
    file.write_bytes(sealed(said, parts))


def test_from_ruined_weights_the_advice_leads_to_the_checkpoint_before(gan: Gan) -> None:
    more = ["--set", "schedule.checkpoint_every=3", "--set", "schedule.keep_newest=2"]
    assert gan(*SMALL, *more, "--out", "a run")[0] == 0
    run = Run(Path("a run"))
    assert list(run.checkpoints()) == [0, 6, 7]
    for step in (7, 6):
        ruined(run.checkpoint_file(step))
    longer = ["train", "gan", "--out", "a run", "--resume", "--allow-changes", "--steps", 9]
    code, _, err = gan(*longer)
    for resumed, before in ((7, 6), (6, 0)):
        assert (code, err.count("\n")) == (7, 1)
        assert f"of step {resumed}, is finite but ruined" in err
        words = shlex.split(err.partition(": gan ")[2])
        assert words[-2:] == ["--checkpoint", str(before)]
        code, _, err = gan(*words)
    assert code == 0, err
    assert run.checkpoints()
    assert Run(Path("a run")).metrics()[-1]["step"] == 9


def test_where_no_checkpoint_is_sound_the_advice_starts_again(gan: Gan) -> None:
    assert gan(*SMALL, "--out", "run", "--set", "schedule.keep_newest=1")[0] == 0
    run = Run(Path("run"))
    for step in run.checkpoints():
        if step != 7:
            run.checkpoint_file(step).unlink()
    ruined(run.checkpoint())
    longer = ["train", "gan", "--out", "run", "--resume", "--allow-changes", "--steps", 9]
    code, _, err = gan(*longer)
    assert code == 7
    assert "none before it is left" in err
    assert gan(*shlex.split(err.partition(": gan ")[2]))[0] == 0
    assert run.metrics()[-1]["step"] == 9
