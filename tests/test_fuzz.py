"""What `make fuzz` notices, and some of its seeds."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    "bytearray(b'1') * 2**30": [r"1\.\d GiB of memory"],
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

harness.MOST_SECONDS, harness.STOP_SECONDS, harness.MOST_MEMORY = 1, 1, {memory}
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
    given = {"tests": str(TESTS), "folder": str(tmp_path), "memory": 2**30}
    script = SCRIPT.format(commands=list(CONTROLS), **given)
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    found = dict(zip(CONTROLS, json.loads(said.stdout), strict=True))
    for command, expected in CONTROLS.items():
        assert len(found[command]) == len(expected), (command, found[command])
        assert all(map(re.fullmatch, expected, found[command])), (command, found[command])


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
