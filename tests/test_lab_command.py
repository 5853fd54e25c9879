"""`gan lab`: what it writes, and what it says of files that are not points."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan

from gancli.errors import ExitCode
from gancli.lab.point_file import MAX_POINTS, REACH


def part(page: Path, name: str) -> dict[str, object]:
    """A JSON table of the page."""
    found = re.search(rf'id="{name}">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    table: dict[str, object] = json.loads(found[1])
    return table


def own_set(page: Path) -> tuple[np.ndarray, dict[str, object]]:
    """The points of the last data set, and its table."""
    sets = part(page, "lab-tables")["datasets"]
    assert isinstance(sets, list)
    data = sets[-1]["data"]
    return np.array(data["points"]), data


def test_the_page_fetches_nothing_and_opens_with_what_was_asked(gan: Gan) -> None:
    code, out, _ = gan("lab", "grid25", "--model", "wgan-gp", "--against", "gan")
    assert code == 0
    assert "lab.html" in out
    page = Path("lab.html")
    assert part(page, "lab-chosen") == {"dataset": "grid25", "model": "wgan-gp", "against": "gan"}
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)|https?://(?!www\.w3\.org)|import\(""",
                         page.read_text())  # fmt: skip


def test_a_page_is_replaced_by_force_alone(gan: Gan) -> None:
    Path("lab.html").write_text("mine")
    code, _, said = gan("lab")
    assert (code, Path("lab.html").read_text()) == (ExitCode.RUN, "mine")
    assert "--force" in said
    assert gan("lab", "--force")[0] == 0
    assert gan("lab", "--out", "there/page.html")[0] == 0
    assert Path("there/page.html").stat().st_size > 10_000


def test_unknown_names_are_refused(gan: Gan) -> None:
    for words, wanted in [
        (("lab", "ring8", "--model", "gann"), "did you mean gan?"),
        (("lab", "ring8", "--model", "dcgan"), "dcgan does not train on points"),
        (("lab", "ring8", "--against", "sagan"), "choose one of"),
        (("lab", "ring9"), "did you mean ring8?"),
        (("lab", "mnist"), "a csv or npz of points"),
    ]:
        code, _, said = gan(*words)
        assert code == ExitCode.USAGE, words
        assert wanted in " ".join(said.split()), words
        assert not Path("lab.html").exists()


def test_points_of_a_csv(gan: Gan) -> None:
    """They keep their shape: both axes are scaled alike, and the middle is moved to 0."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 2)) * [30, 10] + [1000, -5]
    with Path("mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "y", "note"])
        writer.writerows([*row, "a"] for row in points.tolist())
    code, _, said = gan("lab", "mine.csv", "--model", "veegan")
    assert code == 0, said
    found, data = own_set(Path("lab.html"))
    back = found * float(str(data["scale"])) + np.array(data["middle"])
    assert np.allclose(back, points, atol=1e-4 * np.ptp(points))
    assert np.abs(found).max() == pytest.approx(REACH)
    assert part(Path("lab.html"), "lab-chosen")["dataset"] == "mine.csv"


def test_points_of_an_npz(gan: Gan) -> None:
    """The array `points`, as gan sample writes it, or else the first; many are thinned."""
    points = np.random.default_rng(0).normal(size=(MAX_POINTS + 5000, 2))
    np.savez("mine.npz", labels=np.arange(3), points=points)
    assert gan("lab", "mine.npz")[0] == 0
    found, _ = own_set(Path("lab.html"))
    assert len(found) == MAX_POINTS
    assert np.std(found[:, 0]) == pytest.approx(np.std(found[:, 1]), rel=0.05)
    np.savez("other.npz", points[:50])
    assert gan("lab", "other.npz", "--force")[0] == 0
    assert len(own_set(Path("lab.html"))[0]) == 50


def test_samples_of_a_run_are_points(gan: Gan) -> None:
    assert gan("sample", "zoo:gan-ring8", "--count", 40, "--out", "samples.npz")[0] == 0
    code, _, said = gan("lab", "samples.npz")
    assert code == 0, said
    assert len(own_set(Path("lab.html"))[0]) == 40


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.csv", b"x,y\n1,2\n3,b\n5,6\n", "line 3 of"),
        ("b.csv", b"1\n2\n3\n", "line 2 of"),
        ("c.csv", b"1,2\n3,4\n", "at least 10 points"),
        ("d.csv", b"", "at least 10 points"),
        ("e.csv", b"\xff\xfe\x00", "two columns"),
        ("f.csv", b"1,2\n" * 20, "one point, many times"),
        ("g.csv", b"1,2\n" * 20 + b"3,inf\n", "not finite"),
        ("j.csv", b"1,2\n" * 20 + b"-1.7e308,1.7e308\n", "beyond 1e+100"),
        ("h.npz", b"PK", "numpy.savez"),
        ("i.csv", b"1,2\n" * 9 + b'"' + b"a" * 200_000 + b"\n", "two columns"),
    ],
)
def test_files_without_points_are_refused(gan: Gan, name: str, content: bytes, wanted: str) -> None:
    Path(name).write_bytes(content)
    code, _, said = gan("lab", name)
    assert code == ExitCode.DATA
    assert wanted in " ".join(said.split())
    assert not Path("lab.html").exists()


@pytest.mark.parametrize(
    "array",
    [np.zeros((20, 3)), np.zeros(20), np.zeros((5, 2)), np.array(["a"] * 20), np.zeros((20, 2, 2))],
    ids=["three columns", "one axis", "few", "words", "three axes"],
)
def test_arrays_without_points_are_refused(gan: Gan, array: np.ndarray) -> None:
    np.savez("mine.npz", array)
    code, _, said = gan("lab", "mine.npz")
    assert code == ExitCode.DATA, said


def test_a_name_cannot_end_the_script(gan: Gan) -> None:
    name = "a</script><script>alert(1).csv"
    np.savetxt(name.replace("/", "_"), np.random.default_rng(0).normal(size=(20, 2)), delimiter=",")
    code, _, said = gan("lab", name.replace("/", "_"))
    assert code == 0, said
    assert "<script>alert" not in Path("lab.html").read_text()
