"""What an ordinary user may not read or write ends in a sentence, with the right exit code."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Gan
from unprivileged import NOBODY, ordinary_user, without_rights

SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
]
RUN = Path("runs/gan-ring8-001")
AGAIN: list[object] = ["train", "gan", "--out", RUN, "--resume", "--allow-changes", "--steps", 4]
READ: list[list[object]] = [
    ["status"],
    ["status", RUN],
    ["status", "gan"],
    ["resume"],
    ["resume", RUN],
    ["sample"],
    ["sample", RUN, "--out", "s"],
    ["evaluate", RUN],
    ["traverse", RUN],
    AGAIN,
    ["train", "gan", "--dataset", "ring8", "--resume", "--allow-changes", "--steps", 4],
]
"""Commands that read a run."""
STUDY = ["collapse-study", "--models", "gan", "--steps", 2, "--seeds", 1, "--out"]


@pytest.fixture
def user(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ordinary user with a run; every part of the program that is used is imported before."""
    monkeypatch.delenv("GANCLI_RUNS")

    def prepare() -> None:
        assert gan(*SMALL, "--steps", 2)[0] == 0
        for warm_up in (
            ["status"],
            ["sample", "--out", "warm"],
            ["compare", "runs"],
            ["data", "x"],
        ):
            gan(*warm_up)
        gan("evaluate", "mnist")

    with ordinary_user(prepare) as folder:
        monkeypatch.setenv("HOME", str(folder))
        yield folder


def assert_refused(gan: Gan, codes: set[int], *commands: Sequence[object]) -> None:
    for typed in commands:
        code, _, err = gan(*typed)
        words = " ".join(map(str, typed))
        assert code in codes, f"gan {words}: {code}, {err}"
        assert err.count("\n") == 1, f"gan {words}: {err}"
        assert "ermission" in err, f"gan {words}: {err}"
        assert "--force" not in err, f"gan {words} advises to lose what it cannot read: {err}"
        assert "internal error" not in err


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        (".", 0),
        ("checkpoints", 0),
        ("checkpoints", 0o444),
        ("checkpoints/step-000002.safetensors", 0),
    ],
)
def test_a_run_that_may_not_be_read(place: str, mode: int, user: Path, gan: Gan) -> None:
    with without_rights(RUN / place, mode):
        assert_refused(gan, {4}, *READ)
        if place == ".":
            assert_refused(gan, {4, 6}, ["compare", RUN])
    assert gan("status", RUN)[0] == 0


def test_a_root_of_runs_that_may_not_be_used(user: Path, gan: Gan) -> None:
    with without_rights(Path("runs")):
        assert_refused(gan, {4, 6}, *READ, ["compare", RUN], [*SMALL, "--steps", 2])
    with without_rights(Path("runs"), 0o555):
        assert_refused(gan, {6}, [*SMALL, "--steps", 2])


@pytest.mark.parametrize(
    "file", ["metrics.jsonl", "timing.jsonl", "previews", "preset.toml", ".lock"]
)
def test_parts_of_a_run_that_may_not_be_read(file: str, user: Path, gan: Gan) -> None:
    reading = {"preset.toml": [["resume", RUN]], ".lock": [["resume", RUN], AGAIN]}
    with without_rights(RUN / file):
        assert_refused(gan, {4, 6}, *reading.get(file, [["status", RUN]]))
        # Samples are a function of the checkpoint alone.
        assert gan("sample", RUN, "--out", "samples")[0] == 0


def test_a_run_that_may_only_be_read(user: Path, gan: Gan) -> None:
    with without_rights(RUN, 0o555):
        assert gan("status", RUN)[0] == 0
        assert_refused(gan, {6}, ["sample", RUN], AGAIN)
        assert gan("sample", RUN, "--out", "elsewhere")[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of another user")
def test_a_run_of_someone_else(user: Path, gan: Gan) -> None:
    os.seteuid(0)
    for path in (RUN, *RUN.rglob("*")):
        os.chown(path, 0, 0)
    os.seteuid(NOBODY)
    assert gan("status", RUN)[0] == 0
    assert_refused(gan, {6}, AGAIN, ["sample", RUN], [*SMALL, "--steps", 2, "--out", RUN / "own"])


@pytest.mark.parametrize("mode", [0, 0o555])
def test_places_that_may_not_be_written(mode: int, user: Path, gan: Gan) -> None:
    place = Path("place")
    place.mkdir()
    with without_rights(place, mode):
        new = [[*SMALL, "--steps", 2, "--out"], ["sample", RUN, "--out"], STUDY]
        for command in new:
            assert_refused(gan, {4, 6}, [*command, place / "new"], [*command, place])
        if mode == 0:
            assert_refused(gan, {3}, ["train", "dcgan", "--dataset", place], ["data", place])
            assert_refused(
                gan, {4}, ["status", place], ["evaluate", place], ["status", place / "x"]
            )
            assert_refused(gan, {6}, ["compare", place])
    assert not list(place.iterdir())


@pytest.mark.parametrize("home", ["missing", "unwritable"])
def test_a_home_that_is_of_no_use(
    home: str, user: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points need nothing of it."""
    if home == "unwritable":
        Path(home).mkdir(mode=0o555)
    monkeypatch.setenv("HOME", str(user / home))
    assert gan(*SMALL, "--steps", 2, "--out", "run")[0] == 0
    assert gan("resume", "run")[0] == 0
    assert gan("sample", "run")[0] == 0
