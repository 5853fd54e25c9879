"""What `make fuzz` notices, and some of its seeds."""

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from fuzz.garbage import changed_bytes

from gancli.errors import DataError
from gancli.evaluation.statistics_file import read_statistics
from gancli.frames import Frame

TESTS = Path(__file__).parent
CONTROLS = {
    "sys.exit(2)": [],
    "sys.exit(1)": ["exit 1"],
    "1 / 0": ["exit 1", "a traceback"],
    "print('internal error')": ["called internal"],
    "print(chr(27))": ["raw control characters"],
    "os.kill(os.getpid(), 9)": ["exit -9"],
    "open('../out', 'w').close()": ["wrote outside: out"],
    "[open(name, 'wb').truncate(2**26) for name in 'xyz']": ["192 MiB written"],
    "bytearray(b'1') * 2**29": [r"0\.\d GiB of memory"],
    "deaf()": ["exit -9", r"still at work after \d s"],
}
"""What a command does, and what is wrong with that."""
SCRIPT = """
import json, os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from fuzz import harness
from fuzz.harness import Place, call, faults

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass

harness.MOST_SECONDS, harness.STOP_SECONDS, harness.MOST_MEMORY = 3, 1, 2**28
found = []
for index, command in enumerate({commands!r}):
    place = Place(Path({folder!r}) / str(index))
    place.make()
    before, size = place.outside(), place.size()
    ended = call(place, ["x"], lambda: exec(command))
    found.append(faults(place, ended, before, size, long=False))
print(json.dumps(found))
"""


def test_each_fault_is_noticed(tmp_path: Path) -> None:
    script = SCRIPT.format(commands=list(CONTROLS), tests=str(TESTS), folder=str(tmp_path))
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    found = dict(zip(CONTROLS, json.loads(said.stdout), strict=True))
    for command, expected in CONTROLS.items():
        assert len(found[command]) == len(expected), (command, found[command])
        assert all(map(re.fullmatch, expected, found[command])), (command, found[command])


def damaged(content: bytes, times: int = 60) -> Iterator[bytes]:
    dice = random.Random(0)
    yield from (b"", content[: len(content) // 2], b"PK\x05\x06" + content)
    yield from (changed_bytes(dice, content) for _ in range(times))


def test_a_damaged_frame_of_a_study_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "step-000001.npz"
    samples = np.arange(40, dtype=np.float32).reshape(20, 2)
    for content in damaged(Frame(samples, None).packed()):
        file.write_bytes(content)
        found = Frame.read(file)
        assert found is None or found.samples.shape == samples.shape


def test_damaged_statistics_are_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "s.npz"
    np.savez_compressed(file, mu=np.zeros(3), sigma=np.eye(3))
    assert read_statistics(file) is not None
    refused = 0
    for content in damaged(file.read_bytes()):
        file.write_bytes(content)
        try:
            read_statistics(file)
        except DataError as error:
            refused += "\n" not in str(error)
    assert refused > 30


def test_a_folder_in_a_logs_place_is_named(gan: Gan) -> None:
    shutil.copytree(TESTS / "data/folders/lsgan-mnist", "runs/lsgan-mnist")
    log = Path("runs/lsgan-mnist/metrics.jsonl")
    log.unlink()
    log.mkdir()
    code, _, said = gan("status", "runs/lsgan-mnist")
    assert (code, said.count("\n")) == (4, 1), said
    assert str(log) in said


def fuzzed(count: int, start: int, folder: Path) -> None:
    options = ["--count", str(count), "--from", str(start), "--keep", str(folder)]
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz", *options], cwd=TESTS, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_some_garbage_ends_in_sentences(tmp_path: Path) -> None:
    fuzzed(15, 1, tmp_path)


@pytest.mark.slow
def test_more_garbage_ends_in_sentences(tmp_path: Path) -> None:
    fuzzed(150, 10_000, tmp_path)
