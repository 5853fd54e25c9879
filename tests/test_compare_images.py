"""`gan compare` of image files, points and scores of other settings: what can be typed, works."""

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Gan
from helpers import job, narrow, random_images
from test_compare import found

from gancli.errors import RunError
from gancli.evaluation.leaderboard import Entry, Row, rank_runs, standing_entries
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.results import ScoredRun, read_evaluations, write_evaluations
from gancli.report.compared import GroupedRow, values_shown
from gancli.trainer import Trainer

pytestmark = pytest.mark.usefixtures("toy_features")


def scored(gan: Gan, *arguments: object) -> None:
    code, _, said = gan("evaluate", *arguments)
    assert code == 0, said


def names(gan: Gan, *arguments: object) -> list[str]:
    code, out, said = gan("compare", *arguments, "--json")
    assert code == 0, said
    return [row["run"] for row in json.loads(out)["rows"]]


def test_all_sets_of_one_file_are_ranked_by_their_names(gan: Gan) -> None:
    real, out = random_images("real", 40, 9), Path("d/evaluation.json")
    out.parent.mkdir()
    for name, seed in (("one", 0), ("two words", 1), ("three", 2), ("one", 0)):
        scored(gan, random_images(name, 30, seed), "--fid", "--reference", real, "--out", out)
    every = read_evaluations(out)
    assert [each.model for each in every] == ["one", "two words", "three", "one"]
    best_first = sorted({e.model: e.scores["fid"] for e in every}.items(), key=lambda e: e[1])
    wanted = [name for name, _ in best_first]
    assert names(gan, "d") == wanted
    assert names(gan, out) == wanted
    shown = gan("compare", "d")[1]
    for name in wanted:
        assert name in shown
    # Next to another file, and under any name of the file.
    scored(gan, random_images("four", 30, 3), "--fid", "--reference", real, "--out", "four.json")
    both = names(gan, "d", "four.json")
    assert [name for name in both if name in wanted] == wanted
    assert {*both} == {*wanted, "four.json"}


def test_a_set_that_was_scored_otherwise_is_said_to_be_left_out(gan: Gan) -> None:
    real = random_images("real", 40, 9)
    for name, count in (("one", 30), ("two", 30), ("three", 20)):
        scored(gan, random_images(name, count, 0), "--fid", "--reference", real, "--out", "s.json")
    code, out, _ = gan("compare", "s.json")
    assert (code, "left out, without a score by this protocol: three" in out) == (0, True)


def test_a_file_of_before_is_read_and_kept(gan: Gan) -> None:
    """A list of evaluations, each whole: what read such files before still does."""
    real = random_images("real", 40, 9)
    before = [found(9, fid=20).model_copy(update={"model": name}) for name in ("a", "b")]
    write_evaluations(Path("s.json"), before)
    content = json.loads(Path("s.json").read_bytes())
    later = {"settings", "classes_as", "class_gap", "reference_weights", "remarks"}
    assert not later & {*content[0], *content[0]["protocol"]}
    scored(gan, random_images("one", 30, 0), "--fid", "--reference", real, "--out", "s.json")
    assert json.loads(Path("s.json").read_bytes())[:2] == content


def test_checkpoints_of_several_runs_in_one_file_are_all_ranked(gan: Gan) -> None:
    """Of one model and step, told apart by their hashes."""
    first, second = found(9, fid=20), found(9, fid=10)
    twins = [
        each.model_copy(update={"images": letter * 16})
        for each, letter in ((first, "a"), (second, "b"))
    ]
    write_evaluations(Path("s.json"), twins)
    assert names(gan, "s.json", "--no-floor") == ["dcgan [bbbbbbbb]", "dcgan [aaaaaaaa]"]


# --- refusals ---


def test_sets_of_one_file_that_do_not_compare_are_told_why(gan: Gan) -> None:
    real = random_images("real", 40, 9)
    for name, count in (("one", 30), ("two", 20)):
        scored(gan, random_images(name, count, 0), "--fid", "--reference", real, "--out", "s.json")
    code, out, said = gan("compare", "s.json")
    assert (code, "images scored: 30 / 20" in said) == (4, True), said
    assert "scored by different protocols" in out
    scored(gan, random_images("three", 30, 1), "--fid", "--reference", real, "--out", "t.json")
    code, _, said = gan("compare", "t.json")
    assert (code, "gan evaluate IMAGES --out t.json" in said) == (2, True), said


def test_sets_of_unequal_size_are_told_how_to_compare(gan: Gan) -> None:
    """Nothing is said of a generator's weights, which sets have not."""
    real = random_images("real", 40, 9)
    for name, count in (("one", 30), ("two", 20)):
        Path(f"{name}.d").mkdir()
        scored(gan, random_images(name, count, 0), "--fid", "--reference", real,
               "--out", f"{name}.d/evaluation.json")  # fmt: skip
    code, out, said = gan("compare", "one.d", "two.d")
    assert code == 4
    assert "images scored: 20 / 30" in said or "images scored: 30 / 20" in said
    assert "weights as trained" not in said + out
    assert "score 20 of each" in said or "score 30 of each" in said
    assert "gan evaluate" not in said


def test_the_command_for_a_set_names_the_set_and_its_file(gan: Gan) -> None:
    real = random_images("real set", 40, 9)
    for name, metrics in (("one", ["--fid", "--kid"]), ("two words", ["--fid"])):
        out = f"{name} s.json"
        scored(gan, random_images(name, 30, 0), *metrics, "--reference", real, "--out", out)
    code, _, said = gan("compare", "one s.json", "two words s.json", "--by", "kid")
    assert code == 4
    own = re.search(r"compute it with gan (.*)$", said.strip())
    assert own is not None
    typed = shlex.split(own[1])
    assert typed[:2] == ["evaluate", "two words"]
    assert typed[-2:] == ["--out", "two words s.json"]
    code, _, said = gan(*typed[: typed.index("--weights")], "--out", "two words s.json")
    assert code == 0, said
    assert len(names(gan, "one s.json", "two words s.json", "--by", "KID")) == 2


def test_generators_and_sets_are_told_a_way(gan: Gan) -> None:
    made = narrow(("dcgan", "cifar10", "lite"), ["schedule.steps=1"])
    Trainer(job(made, Path("runs/dcgan-cifar10-001"))).train()
    Path("set").mkdir()
    given = found(9, fid=3, network="none", mode="none", seeds="", count=20, reference="real",
                  split="all").model_copy(update={"step": None, "model": "set"})  # fmt: skip
    write_evaluations(Path("set.json"), [given])
    code, _, said = gan("compare", "set.json", "runs/dcgan-cifar10-001")
    assert code == 4
    assert "image files and generators are not ranked together" in said
    command = re.search(r"gan (sample .*?), then", said)
    assert command is not None
    assert gan(*shlex.split(command[1]))[0] == 0
    assert len(list(Path("dcgan-cifar10-001-images").glob("*.png"))) == 20


def test_points_are_told_where_they_are_compared(gan: Gan) -> None:
    runs = []
    for model, number in (("gan", 1), ("wgan", 2)):
        preset = narrow((model, "ring8", "reference"), ["schedule.steps=1"])
        runs.append(f"runs/{model}-ring8-00{number}")
        Trainer(job(preset, Path(runs[-1]))).train()
    code, _, said = gan("evaluate", runs[0])
    assert (code, f"gan evaluate {runs[0]} --modes" in said) == (2, True), said
    code, _, said = gan("compare", runs[0])
    command = re.search(r"gan (evaluate .*) STEP", said)
    assert code == 2 and command is not None, said
    assert gan(*shlex.split(command[1]), 1)[0] == 0
    code, _, said = gan("compare", *runs, "--reference", "train")
    assert (code, "--reference is for images" in said) == (2, True), said


def test_runs_of_points_are_ranked_by_what_evaluate_counts(gan: Gan) -> None:
    """Whatever was evaluated before: the modes are counted as the runs are compared."""
    made = {
        "far": ("ring8", ["generator.optimizer.lr=1"]),
        "near": ("ring8", []),
        "grid": ("grid25", []),
    }
    for name, (data, changes) in made.items():
        preset = narrow(("gan", data, "reference"), ["schedule.steps=1", *changes])
        Trainer(job(preset, Path(name))).train()
    code, out, said = gan("compare", "far", "near", "--json")
    assert code == 0, said
    ranked = json.loads(out)
    assert ranked["by"] == "modes_held"
    for row in ranked["rows"]:
        out = gan("evaluate", row["run"], "--modes", "--json", "--out", "scores.json")[1]
        assert row["scores"] == json.loads(out)[0]["scores"]
    assert ranked["floor"]["scores"]["modes_held"] == 8
    assert ranked["floor"]["scores"]["high_quality"] > 0.98
    shown = " ".join(gan("compare", "far", "near")[1].split())
    assert "2,500 generated points each" in shown
    for label in ("modes held", "modes captured", "samples of high quality"):
        assert label in shown
    # A phone shows what is next to the run's name, so scores come before the checkpoint.
    assert gan("compare", "far", "near", "--out", "one.html")[0] == 0
    headings = re.findall('<th scope="col">(.*?)</th>', Path("one.html").read_text())
    assert headings[:3] == ["run", "rank", "modes held"]
    assert headings.index("checkpoint") > headings.index("samples of high quality")
    # Other modes: their counts stand next to each other, and have no ranks.
    code, out, said = gan("compare", "near", "grid", "--out", "two.html")
    assert (code, "the modes of ring8 and grid25 are not the same" in said + out) == (0, True), out
    assert "samples of high quality" in Path("two.html").read_text()
    code, out, said = gan("compare", "near", "grid")
    assert (code, "compare runs on one data set" in said, "98.68%" in out) == (4, True, True), said


def test_seeds_of_points_are_one_row_though_each_draws_its_own(gan: Gan) -> None:
    for seed in (1, 2):
        assert gan("train", "gan", "--dataset", "ring8", "--steps", 1, "--seed", seed,
                   "--out", f"seed-{seed}")[0] == 0  # fmt: skip
    code, out, said = gan("compare", "seed-1", "seed-2", "--json")
    assert code == 0, said
    (group,) = json.loads(out)["groups"]
    assert group["seeds"] == [1, 2]


def modes(held: int, **more: float) -> Evaluation:
    return found(9).model_copy(update={"scores": {"modes_held": held, **more}})


def test_a_mean_of_counts_need_not_be_a_count() -> None:
    rows = [Row(f"run-{held}", Entry(modes(held), "last")) for held in (3, 4)]
    assert values_shown(GroupedRow(rows, (1, 2)), "modes_held") == "3.5 (mean of 2)\n3, 4"


def test_points_and_images_have_no_scores_in_common(gan: Gan) -> None:
    for name, key in (
        ("points", ("gan", "ring8", "reference")),
        ("images", ("gan", "mnist", "reference")),
    ):
        Trainer(job(narrow(key, ["schedule.steps=1"]), Path(name))).train()
    code, _, said = gan("compare", "points", "images")
    assert (code, "compare runs of one kind" in said) == (2, True), said


def test_modes_that_tie_are_ranked_by_how_evenly_they_are_held() -> None:
    scores = {"a": (8, 0.5), "b": (8, 0.1), "c": (7, 0.0)}
    runs = [ScoredRun(name, [modes(held, reverse_kl=kl)]) for name, (held, kl) in scores.items()]
    assert [row.name for row in rank_runs(runs, None).rows] == ["b", "a", "c"]


# --- settings and names ---


def with_settings(value: float, size: int | None, seconds: int) -> Evaluation:
    settings = {} if size is None else {"kid-subsets": 100, "kid-subset-size": size}
    return found(9, fid=3, kid=value, settings=settings, made=f"2026-01-0{seconds}")


def test_scores_of_other_settings_are_not_ranked_together() -> None:
    """Those of before have the defaults; FID knows no settings."""
    old, same = with_settings(1, None, 1), with_settings(2, 1000, 2)
    other = with_settings(3, 500, 3)
    ranked = rank_runs([ScoredRun("a", [old]), ScoredRun("b", [same])], "KID")
    assert [row.name for row in ranked.rows] == ["a", "b"]
    runs = [ScoredRun("a", [same]), ScoredRun("b", [other])]
    with pytest.raises(RunError) as caught:
        rank_runs(runs, "kid")
    assert "images per subset 1,000 / subsets 100, images per subset 500" in str(caught.value)
    assert "gan evaluate b --kid --count 5000" in str(caught.value)
    ranked = rank_runs(runs, "fid")
    assert [[*row.scores] for row in ranked.rows] == [["fid", "kid"], ["fid"]]
    # One that has both settings is ranked by those that the other has.
    runs = [ScoredRun("a", [other]), ScoredRun("b", [same, with_settings(9, 500, 4)])]
    assert [row.scores["kid"] for row in rank_runs(runs, "kid").rows] == [3, 9]
    with pytest.raises(RunError, match="--kid-subset-size 500"):
        rank_runs([ScoredRun("a", [other]), ScoredRun("b", [same])], "kid")


@pytest.mark.parametrize("typed", ["is", "IS", "isc", "inception_score", "Inception Score"])
def test_scores_may_be_named_as_they_usually_are(gan: Gan, typed: str) -> None:
    for name, value in (("a", 2), ("b", 3)):
        write_evaluations(Path(name) / "evaluation.json", [found(9, fid=1, is_=value)])
    assert names(gan, "a", "b", "--by", typed, "--no-floor") == ["b", "a"]
    code, _, said = gan("compare", "a", "b", "--by", "prc")
    assert (code, "choose from precision, recall" in said) == (2, True), said


@pytest.mark.parametrize("typed", ["is", "IS", "Inception_Score"])
def test_checkpoints_are_chosen_by_the_same_names(typed: str) -> None:
    sets = ["schedule.evaluate_every=2", f"schedule.evaluate_by={typed}"]
    preset = narrow(("dcgan", "cifar10", "lite"), sets)
    assert preset.schedule.evaluate_by == "inception_score"


def test_sets_in_a_runs_file_stand_for_themselves() -> None:
    """A run's page lists them all, and none is the best of others."""
    sets = [
        found(0, fid=value).model_copy(update={"step": None, "model": name})
        for name, value in (("one", 3), ("two", 1), ("one", 2))
    ]
    entries = standing_entries([*sets, found(5, fid=9), found(7, fid=8)], "fid")
    assert [(e.evaluation.step, e.how, e.evaluation.scores["fid"]) for e in entries] == [
        (None, "one", 2), (None, "two", 1), (7, "best of 2 by fid, and last", 8),
    ]  # fmt: skip
