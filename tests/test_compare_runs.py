"""`gan compare`: what differs, seeds in one row, the published row, files, and the page."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from browser import SIDEWAYS, look_at
from conftest import Gan
from helpers import job, narrow
from test_compare import found
from test_runs import write_checkpoint

from gancli.checkpoint import Header, RunSettings, read_header
from gancli.evaluation.baseline import Baseline
from gancli.evaluation.leaderboard import Comparison, rank_runs
from gancli.evaluation.results import ScoredRun, write_evaluations
from gancli.preset import Preset, change, load_preset
from gancli.report.compared import (
    ComparedRun,
    grouped_rows,
    kinds_of,
    published_rows,
    run_differences,
    values_shown,
)
from gancli.report.comparison import Ranked, ranking_table
from gancli.report.comparison_page import shared_charts
from gancli.report.console import console
from gancli.runs.folder import Run
from gancli.trainer import Trainer

CIFAR = load_preset("dcgan", "cifar10", "lite")


def compared(
    name: str, seed: int, changes: Sequence[str] = (), preset: Preset = CIFAR, data: str = "d"
) -> ComparedRun:
    """A run that need not be there."""
    settings = RunSettings(seed=seed)
    changed = change(preset, changes) if changes else preset
    return ComparedRun(
        name, Run(Path(name)), Header(step=9, preset=changed, settings=settings, data=data)
    )


def ranking(names: Iterable[str], fids: Iterable[float], **said: object) -> Comparison:
    """Runs by their FID at step 9."""
    pairs = zip(names, fids, strict=True)
    return rank_runs([ScoredRun(n, [found(9, fid=fid, **said)]) for n, fid in pairs], None)


# --- seeds in one row ---


def test_runs_that_differ_in_their_seeds_alone_share_a_row() -> None:
    runs = [compared(name, seed) for seed, name in enumerate("abcd")]
    runs.append(compared("e", 0, ["lr=0.5"]))
    one, many = grouped_rows(ranking("abcde", (20, 24, 22, 26, 21)), runs)
    # The mean ranks, not the best seed.
    assert (one.runs, one.seeds) == (["e"], ())
    assert (many.runs, many.seeds) == (list("abcd"), [0, 1, 2, 3])
    assert many.centre("fid") == 23
    low, high = many.interval("fid") or (0, 0)
    # Student's t of three degrees of freedom, 3.182, times the standard error.
    assert (low, high) == pytest.approx((23 - 3.182 * 2.582 / 2, 23 + 3.182 * 2.582 / 2), abs=1e-2)
    assert values_shown(many, "fid") == (
        "23.00 (mean of 4)\n[18.89, 27.11] 95 %\n20.00, 22.00, 24.00, 26.00"
    )
    assert many.how == "step 9, last; seeds 0, 1, 2, 3"


def test_an_interval_stays_within_what_is_possible() -> None:
    runs = [compared(name, seed) for seed, name in enumerate("abcd")]
    (row,) = grouped_rows(ranking("abcd", (0.1, 0.1, 0.1, 9)), runs)
    assert (row.interval("fid") or (9, 9))[0] == 0
    assert values_shown(row, "fid").splitlines()[1].startswith("[0.0000, ")


def test_two_seeds_have_no_interval_and_many_a_range() -> None:
    def row(count: int) -> str:
        names = [f"r{i}" for i in range(count)]
        runs = [compared(name, seed) for seed, name in enumerate(names)]
        ranked = ranking(names, [20 + i for i in range(count)])
        return values_shown(grouped_rows(ranked, runs)[0], "fid")

    assert row(2) == "20.50 (mean of 2)\n20.00, 21.00"
    assert row(7).splitlines()[-1] == "20.00 to 26.00"


def test_best_and_last_checkpoints_are_rows_of_their_own() -> None:
    runs = [compared("a", 0), compared("b", 1)]
    trained = {"a": [found(1, fid=5), found(9, fid=7)], "b": [found(1, fid=8), found(9, fid=6)]}
    ranked = rank_runs([ScoredRun(name, [], own) for name, own in trained.items()], None)
    rows = grouped_rows(ranked, runs)
    assert [(row.centre("fid"), row.how) for row in rows] == [
        (5.5, "steps 1, 9, the best each; seeds 0, 1"),
        (6.5, "step 9, last; seeds 0, 1"),
    ]


def test_what_is_no_further_seed_stays_by_itself() -> None:
    runs = [compared("a", 0), compared("again", 0), compared("b", 1)]
    runs.append(compared("other data", 2, data="e"))
    ranked = ranking([run.name for run in runs], (1, 2, 3, 4))
    assert [row.runs for row in grouped_rows(ranked, runs)] == [
        ["a", "b"], ["again"], ["other data"],
    ]  # fmt: skip
    assert [[run.name for run in own] for own in kinds_of(runs)] == [
        ["a", "again", "b"], ["other data"],
    ]  # fmt: skip


def test_in_what_runs_differ() -> None:
    runs = [compared("a", 0), compared("b", 1, ["generator.optimizer.lr=0.5"])]
    assert [(f.name, f.values[1]) for f in run_differences(runs)] == [
        ("generator.optimizer.lr", "0.5")
    ]
    other = compared("c", 1, preset=load_preset("wgan", "cifar10", "lite"))
    names = [f.name for f in run_differences([runs[0], other])]
    assert names[0] == "model"
    assert "objective" in names
    assert run_differences([runs[0], compared("d", 5)]) == []
    assert [f.name for f in run_differences([runs[0], compared("e", 5, data="x")])] == [
        "fingerprint of the data"
    ]


# --- published scores ---


def test_published_scores_stand_below_and_have_no_rank() -> None:
    preset = load_preset("sngan", "cifar10")
    assert preset.expected is not None
    runs = [compared("a", 0, preset=preset), compared("b", 1, preset=preset)]
    (published,) = published_rows(runs)

    def table(**said: object) -> tuple[list[Sequence[str]], str]:
        ranked = ranking("ab", (20, 20), is_=5, **said)
        text = ranking_table(Ranked(ranked, Baseline(None), runs))
        return list(text.rows), "\n".join(text.notes)

    rows, notes = table()
    assert len(rows) == 2
    rank, name, source, *values = rows[-1]
    assert (rank, name) == ("", "published: sngan on cifar10")
    assert source == preset.expected.source
    assert values == [published.shown("fid"), published.shown("inception_score")]
    assert any(values)
    assert "usually of 50,000 images, and these of 5,000" in notes
    # Scores by other features have no column for them, and are told all the same.
    rows, notes = table(extractor="vgg16", weights="v", published=False)
    assert len(rows) == 1
    assert "other features give other numbers" in notes
    assert published.words() in notes
    # With a change the published scores are another configuration's.
    assert published_rows([compared("c", 0, ["lr=0.5"], preset=preset)]) == []


# --- the command ---


def image_run(name: str, seed: int, fid: float, changes: Sequence[str] = ()) -> Run:
    preset = change(load_preset("gan", "mnist"), ["schedule.steps=60", *changes])
    run = Run(Path("runs") / name)
    run.folder.mkdir(parents=True)
    run.write_preset(preset)
    write_checkpoint(run, preset, 60, seed)
    write_evaluations(run.evaluation_file, [found(60, fid=fid, is_=3)])
    return run


def test_tables_are_written_in_three_formats(gan: Gan) -> None:
    for name, seed, fid in (("a_1", 0, 20), ("a_2", 1, 22)):
        image_run(name, seed, fid)
    image_run("b", 0, 30, ["lr=0.5"])
    files = {form: Path(f"table.{form}") for form in ("csv", "md", "tex")}
    outs = [word for file in files.values() for word in ("--out", file)]
    code, out, said = gan("compare", "a_1", "a_2", "b", "--no-floor", *outs)
    assert (code, said) == (0, "")
    assert f"wrote {files['md']}" in out
    assert re.search(r"lr +0\.0003 +0\.5", out)
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text())))
    facts = [[row[n] for n in ("rank", "seed", "fid", "fid_centre", "differs")] for row in rows]
    assert facts == [
        ["1", "0", "20.0", "21.0", "lr=0.0003"],
        ["1", "1", "22.0", "21.0", "lr=0.0003"],
        ["2", "0", "30.0", "30.0", "lr=0.5"],
    ]
    latex = files["tex"].read_text()
    assert r"a\_1, a\_2 & step 60, last; seeds 0, 1 & \shortstack[r]{21.00 {*} (mean of 2)" in latex
    assert "| 1 | a\\_1, a\\_2 | step 60, last; seeds 0, 1 |" in files["md"].read_text()
    told = json.loads(gan("compare", "a_1", "a_2", "b", "--no-floor", "--json")[1])
    assert told["groups"][0]["seeds"] == [0, 1]
    assert told["groups"][0]["scores"]["fid"]["mean"] == 21
    assert [*told["differences"]] == ["lr"]


def test_files_are_refused_before_anything_is_done(gan: Gan) -> None:
    image_run("a", 0, 20)
    image_run("b", 1, 22)
    code, _, said = gan("compare", "a", "b", "--out", "table.xlsx")
    assert (code, ".csv, .md, .tex (the table) or .html" in said) == (2, True)
    file = Path("table.tex")
    file.write_text("mine")
    code, out, said = gan("compare", "a", "b", "--out", file)
    assert (code, out, "replace it with --force" in said) == (4, "", True)
    assert gan("compare", "a", "b", "--no-floor", "--out", file, "--force")[0] == 0
    assert file.read_text() != "mine"


def test_what_differs_is_said_where_nothing_ranks(gan: Gan) -> None:
    image_run("a", 0, 20).evaluation_file.unlink()
    image_run("b", 0, 20, ["lr=0.5"]).evaluation_file.unlink()
    code, out, said = gan("compare", "a", "b")
    assert (code, "there is no evaluation of" in said) == (4, True)
    assert "where the runs differ" in out
    assert gan("compare", "a", "b", "--json")[:2] == (4, "")
    # A page needs no scores, a table does.
    code, out, said = gan("compare", "a", "b", "--out", "page.html", "--out", "table.csv")
    assert (code, Path("page.html").exists(), Path("table.csv").exists()) == (4, True, False)
    assert "no ranking: there is no evaluation of" in out
    assert "table.csv: not written" in said
    assert gan("compare", "a", "b", "--out", "table.csv")[0] == 4


def test_an_experiment_says_where_its_runs_are(gan: Gan) -> None:
    image_run("sweep/cells/a", 0, 20)
    code, _, said = gan("compare", "runs/sweep", "runs/sweep/cells/a")
    assert code == 4
    assert said.endswith("its runs are in runs/sweep/cells\n")


def test_no_field_is_lost_where_a_terminal_is_narrow(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [f"lr-{rate}-of-a-long-name" for rate in ("0.1", "0.2", "0.3")]
    for name in long:
        image_run(name, 0, 20, [f"lr={name[3:6]}", f"z_dim={name[5]}"])
    monkeypatch.setattr(console(), "width", 44)
    out = gan("compare", *long, "--no-floor")[1].partition("where the runs differ")[2]
    assert {*long, "z_dim", "lr", "0.1", "0.2", "0.3"} <= {*out.split()}


# --- the page ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of images, two of which differ in the seed alone, one of other images; and of points."""
    root = tmp_path_factory.mktemp("compared")
    kinds = {
        "seed-0": (("gan", "mnist", "reference"), 0, []),
        "seed-1": (("gan", "mnist", "reference"), 1, []),
        "large-steps": (("gan", "mnist", "reference"), 0, ["lr=0.5"]),
        "colour": (("dcgan", "cifar10", "lite"), 0, []),
        "points": (("gan", "ring8", "reference"), 0, []),
        "more-points": (("wgan", "ring8", "reference"), 0, []),
    }
    for name, (key, seed, changes) in kinds.items():
        made = job(narrow(key, changes), root / name)
        settings = made.settings.model_copy(update={"seed": seed})
        Trainer(made.__class__(made.preset, settings, made.data, made.run)).train()
    return root


def page_of(gan: Gan, *runs: Path) -> Path:
    out = Path("compare.html").absolute()
    code, _, said = gan("compare", *runs, "--no-floor", "--out", out)
    assert (code, said) == (0, "")
    return out


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_no_width_needs_scrolling_sideways(gan: Gan, trained: Path, width: int) -> None:
    names = ("seed-0", "seed-1", "large-steps", "colour")
    for number, name in enumerate(names):
        evaluation = found(8, fid=20 + number, is_=3, kid=0.01)
        write_evaluations(Run(trained / name).evaluation_file, [evaluation])
    page = page_of(gan, *(trained / name for name in names))
    said, console = look_at(page, (width, 900), SIDEWAYS)
    assert console == ""
    assert (said["broken"], said["images"]) == (0, 3)
    assert said["overflow"] <= 0
    assert {kind.split()[0] for kind in said["scrolling"]} <= {"scroller"}
    assert said["outside"] == []
    assert said["narrow"] >= 200
    assert said["small"] >= 11
    text = page.read_text()
    for words in (
        "seed-0, seed-1",
        "no other run makes images of 3 x 32 x 32",
        "20.50 * (mean of 2)",
    ):
        assert words in text, words


@pytest.mark.slow
def test_points_have_a_page_with_their_modes(gan: Gan, trained: Path) -> None:
    page = page_of(gan, trained / "points", trained / "more-points")
    said, console = look_at(page, (1280, 900), SIDEWAYS)
    assert (console, said["broken"], said["images"]) == ("", 0, 2)
    assert "No ranking: " not in page.read_text()
    assert "modes held" in page.read_text()


def test_a_chart_has_a_curve_per_run(trained: Path) -> None:
    runs = [
        ComparedRun(name, Run(trained / name), read_header(Run(trained / name).checkpoint()))
        for name in ("points", "more-points")
    ]
    charts = {chart.title: chart for chart in shared_charts(runs)}
    assert {"loss_generator", "loss_discriminator", "modes_held", "high_quality"} <= charts.keys()
    assert all(list(chart.series) == ["points", "more-points"] for chart in charts.values())
    logged = [row["loss_generator"] for row in runs[0].run.metrics() if "loss_generator" in row]
    assert [p.value for p in charts["loss_generator"].series["points"]] == logged
    assert charts["modes_held"].words
    # A run without a measure keeps its place, and with it its colour.
    runs.append(ComparedRun("images", Run(trained / "colour"), runs[0].header))
    assert [*shared_charts(runs)[-1].series] == ["points", "more-points", "images"]
    assert {c.title: c for c in shared_charts(runs)}["modes_held"].series["images"] == []


def test_pictures_are_of_the_same_latents(gan: Gan, trained: Path) -> None:
    """The same run twice, under two names, has the same picture twice."""
    twin = Path("twin")
    twin.mkdir()
    for path in ("preset.toml", "checkpoints"):
        (twin / path).symlink_to(trained / "seed-0" / path)
    text = page_of(gan, trained / "seed-0", twin, trained / "seed-1").read_text()
    pictures = re.findall(
        r'<img alt="36 images of ([^,]+), gan on mnist, at step [^"]+" src="([^"]+)"', text
    )
    assert [name for name, _ in pictures] == ["seed-0", "twin", "seed-1"]
    assert pictures[0][1] == pictures[1][1] != pictures[2][1]
