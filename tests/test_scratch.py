"""Temporary files and folders: gone with their owner, swept when it was killed, else untouched."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import Gan

from gancli import files
from gancli.files import write_atomically
from gancli.folders import cache_folder, data_folder, stand_in
from gancli.output_places import new_folder
from gancli.scratch import OLD, partial_file, scratch_folder, sweep_partials

OWNER = """
import sys
from pathlib import Path
from gancli.scratch import partial_file, scratch_folder
here = Path(sys.argv[1])
with scratch_folder(here, "out") as scratch, partial_file(here / "a.json") as (partial, file):
    (scratch / "new").mkdir()
    file.write(b"half")
    if "swapping" in sys.argv:
        (scratch / "new" / "1.png").write_bytes(b"new")
        (here / "out").rename(scratch / "old")
    print("ready", flush=True)
    sys.stdin.readline()
"""


def owner(folder: Path, *more: str) -> "subprocess.Popen[str]":
    """A process that works in the folder until it is told otherwise."""
    command = [sys.executable, "-c", OWNER, str(folder), *more]
    begun = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert begun.stdout is not None
    assert begun.stdout.readline() == "ready\n"
    return begun


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FOREIGN = (".out.0123456789abcdef.scratch.keep", "thesis.partial", ".a.json.partial", ".cache-x1")


def test_what_a_killed_process_leaves_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in FOREIGN:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".mine.0123456789abcdef.scratch").mkdir()
    foreign = names(tmp_path)
    living, dead = owner(tmp_path), owner(tmp_path)
    try:
        end(dead)
        assert len(names(tmp_path)) == len(foreign) + 4
        sweep_partials(tmp_path)
        left = [name for name in names(tmp_path) if name not in foreign]
        assert len(left) == 2, left
    finally:
        end(living)
    with scratch_folder(tmp_path, "other"):
        assert len(names(tmp_path)) == len(foreign) + 1
    assert names(tmp_path) == foreign


def test_a_living_process_keeps_its_own(tmp_path: Path) -> None:
    with (
        scratch_folder(tmp_path, "a") as first,
        scratch_folder(tmp_path, "a") as second,
        partial_file(tmp_path / "b") as (partial, _),
    ):
        sweep_partials(tmp_path)
        assert first.is_dir() and second.is_dir() and partial.is_file()
        partial.unlink()
    assert names(tmp_path) == []


def test_a_killed_swap_is_finished(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    end(owner(tmp_path, "swapping"))
    assert not (tmp_path / "out").exists()
    sweep_partials(tmp_path)
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "1.png").read_bytes() == b"new"


def test_a_folder_with_nothing_but_leftovers_is_free(tmp_path: Path, gan: Gan) -> None:
    """Killed as it wrote its first file, a command can be typed again."""
    for name in ("run", "samples"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".preset.toml.0123456789abcdef.partial").write_text("half")
    code, _, said = gan("train", "gan", "--dataset", "ring8", "--steps", 1, "--out", "run")
    assert code == 0, said
    code, _, said = gan("sample", "run", "--count", 2, "--out", "samples")
    assert code == 0, said
    assert not list(tmp_path.rglob(".*.partial"))


def test_an_interrupted_swap_puts_something_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (
        pytest.raises(KeyboardInterrupt),
        scratch_folder(tmp_path, "out") as scratch,
    ):
        (tmp_path / "out").rename(scratch / OLD)
        raise KeyboardInterrupt
    assert names(tmp_path) == ["out"]


def test_files_are_flushed_before_they_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an order of events: what is renamed to its place has no part that was not flushed."""
    flushed: list[Path] = []
    fsync_of_the_system = os.fsync

    def fsync(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").resolve())
        fsync_of_the_system(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with new_folder(tmp_path / "out") as new:
        (new / "cats").mkdir()
        (new / "cats" / "1.png").write_bytes(b"1")
    before = [path for path in flushed if path != tmp_path]
    assert flushed[-1] == tmp_path
    assert flushed[: len(before)] == before
    assert {path.relative_to(new).as_posix() for path in before} == {"cats/1.png", "cats", "."}
    flushed.clear()
    write_atomically(tmp_path / "a.json", b"1")
    assert [path == tmp_path for path in flushed] == [False, True]
    synced: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append((tmp_path / "many").exists()))
    with new_folder(tmp_path / "many") as new:
        for index in range(files._FLUSHED_ONE_BY_ONE + 1):
            (new / str(index)).touch()
    assert synced == [False]


def test_files_of_the_longest_names_can_be_written(tmp_path: Path) -> None:
    for name in ("n" * 255, "\u3042" * 85):
        write_atomically(tmp_path / name, b"1")
        with new_folder(tmp_path / f"{name[:-1]}x"):
            pass
    assert len(names(tmp_path)) == 4


# --- the cache folder ---


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "mine"))
    monkeypatch.delenv("GANCLI_DATA", raising=False)
    assert cache_folder() == tmp_path / "mine"
    assert data_folder(None) == tmp_path / "mine" / "data"
    monkeypatch.setenv("GANCLI_CACHE", "here")
    assert cache_folder() == tmp_path / "here"


@pytest.mark.parametrize("home", ["/dev/null/home", "/proc/no-such-home", ""])
def test_without_a_home_folder_the_cache_is_a_temporary_one(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GANCLI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stand_in.cache_clear()
    monkeypatch.setattr("gancli.notices._said", set())
    if not home:
        monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("~/.cache/gancli"))
    found = cache_folder()
    assert found.parent == tmp_path
    assert cache_folder() == found
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "name another folder with GANCLI_CACHE" in said
    (found / "kept").write_text("for this call")
    sweep_partials(tmp_path)
    assert (found / "kept").exists()


def test_a_cache_that_cannot_be_written_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    files.keep(tmp_path / "file" / "a.json", b"1")
    assert "not kept for the next call" in capsys.readouterr().err
    assert names(tmp_path) == ["file"]
