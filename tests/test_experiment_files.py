"""presets/experiments: each file parses, its cells resolve, its claims hold where published."""

import re
from functools import cache
from pathlib import Path

import pytest
from helpers import evaluation

from gancli.commands.sweep import SweepRequest
from gancli.environment import Place
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.evaluation.results import next_training_evaluation
from gancli.experiment.claims import ClaimRow, NotMeasuredError, holds
from gancli.experiment.file import (
    ClaimTable,
    ExperimentFile,
    experiment_names,
    read_experiment,
)
from gancli.experiment.folder import Cell
from gancli.experiment.gather import group_result
from gancli.experiment.grid import experiment_of
from gancli.experiment.measures import ScoreMeasure
from gancli.experiment.reproduction import checked_claims, plan_of, published_values
from gancli.experiment.results import CellResult, Column, Results
from gancli.experiment.spec import ExperimentSpec, MeasureSpec, group_name
from gancli.scores import score_named

NAMES = experiment_names()
CHECKED_CLAIMS = 12
"""Claims of which all published numbers are known."""
HEAD = 'format = "gancli-experiment-1"\ntitle = "t"\n[base]\nmodel = "gan"\ndataset = "ring8"\n'
AXIS = '[axes.lr]\nfield = "optimizer.lr"\nvalues = [1e-3, 1e-4]\n'


@cache
def spec_of(name: str, *, lite: bool = False) -> ExperimentSpec:
    return experiment_of(plan_of(read_experiment(name), lite=lite))


def published_rows(file: ExperimentFile, spec: ExperimentSpec) -> list[ClaimRow]:
    """The published values as a claim reads them, as if they were those of the first seed."""
    values: dict[str, dict[str, float]] = {}
    for each in published_values(file, spec, Results.of_nothing(spec)):
        values.setdefault(each.group, {})[each.measure] = each.published
    return [
        ClaimRow(name, cell.labels, values.get(name, {}), cell.is_outside)
        for cell in spec.cells
        if cell.settings.seed == spec.seeds[0]
        for name in [group_name(cell)]
    ]


class Everything(dict[str, float]):
    """Has every measure."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> float:
        return 1.0


def test_there_is_a_file_for_every_table_of_the_sources() -> None:
    assert len(NAMES) == 22


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_resolves_and_is_another(name: str) -> None:
    file = read_experiment(name)
    for lite in (False, True) if file.lite else (False,):
        cells = spec_of(name, lite=lite).cells
        assert len({cell.name for cell in cells}) == len(cells)
        assert len({cell.digest() for cell in cells}) == len(cells)
        assert all(cell.steps > 0 for cell in cells)


@pytest.mark.parametrize("name", [name for name in NAMES if read_experiment(name).lite])
def test_a_shorter_form_is_shorter(name: str) -> None:
    whole, shorter = (
        sum(c.steps for c in spec_of(name, lite=lite).cells) for lite in (False, True)
    )
    assert shorter <= 0.6 * whole


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_is_an_expression_about_cells_that_are_there(name: str) -> None:
    rows = [
        ClaimRow(cell.name.removesuffix("-seed-0"), cell.labels, Everything(), cell.is_outside)
        for cell in spec_of(name).cells
        if cell.settings.seed == 0
    ]
    for claim in read_experiment(name).claims:
        assert holds(claim.test, rows) in (True, False)


def test_claims_hold_of_the_published_numbers() -> None:
    checked = 0
    for name in NAMES:
        file = read_experiment(name)
        rows = published_rows(file, spec_of(name))
        for claim in file.claims:
            try:
                assert holds(claim.test, rows), (name, claim.says)
            except NotMeasuredError:
                continue
            checked += 1
    assert checked == CHECKED_CLAIMS


def test_a_typed_sweep_has_the_cells_of_the_file() -> None:
    rates = "1e-3,5e-4,1e-4"
    request = SweepRequest(
        model="gan",
        dataset="mnist",
        variant="grid-mlp",
        over=(f"generator.optimizer.lr={rates}", f"discriminator.optimizer.lr={rates}"),
        search=None,
        seeds=1,
        steps=None,
        score="modes",
        score_every=430,
        overrides=("data.limit=55000",),
        jobs=1,
        on=None,
        place=Place(),
        out=None,
        dpi=100,
        weights=ExtractorWeights(),
    )
    typed = experiment_of(request.plan())
    of_file = [c for c in spec_of("learning-rates").cells if c.labels["net"] == "MLP"]
    assert [cell.digest() for cell in typed.cells] == [cell.digest() for cell in of_file]
    assert len(of_file) == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}optimiser.lr = 1\n{AXIS}", "no field optimiser"),
        (f'{HEAD}[axes.lr]\nfield = "optimizer.lr"\nvalues = []\n', "the axis lr has no values"),
        (
            f'{HEAD}[axes.lr]\nfield = "optimizer.lr"\nvalues = [1e-3, 1e-3]\n',
            "the axis lr names a value twice",
        ),
        (
            f'{HEAD}[axes.loss.values]\n"a b" = {{}}\n"a-b" = {{}}\n',
            "the values 'a b' and 'a-b' of the axis loss would have one folder's name",
        ),
        (f"{HEAD}{AXIS}[[cells]]\nat = {{ lr = 5 }}\n", "a cell is at lr = '5', which that axis"),
        (
            f"{HEAD}{AXIS}[[cells]]\nat = {{ rate = 5 }}\n",
            "a cell is at rate, which is not",
        ),
        (HEAD.replace("[base]", 'measures = ["beauty"]\n[base]'), "there is no score 'beauty'"),
        (HEAD.replace("title", "titel"), "is not an experiment of the format"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        experiment_of(plan_of(read_experiment(str(path))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "test",
    [
        "__import__('os')", "at(model='a').fid.__class__", "[x for x in y]", "1 +", "f(1)",
        "max('a', 1) > 0", "max([1, 2]) > 0",
    ],
)  # fmt: skip
def test_a_claim_that_is_more_than_an_expression_about_cells_is_refused(test: str) -> None:
    with pytest.raises(UsageError, match="the claim"):
        holds(test, [ClaimRow("a", {"model": "a"}, {"fid": 1.0})])


@pytest.mark.parametrize(
    "test", ["True", "1", "at().fid", "at().fid and at().fid < 2", "at().fid < 2 or 'words'"]
)
def test_a_claim_that_could_not_fail_is_refused(test: str) -> None:
    with pytest.raises(UsageError, match=r"compares nothing in .*: add a comparison"):
        holds(test, [ClaimRow("a", {"model": "a"}, {"fid": 3.0})])


def test_seeds_that_could_not_be_checked_are_said() -> None:
    """A cell that diverged: of the seeds that are left, everything may hold."""
    test = "at(model='a').fid < 5"
    file = ExperimentFile(
        format="gancli-experiment-1", title="t", claims=[ClaimTable(says="low", test=test)]
    )
    cells = [
        CellResult(
            name=f"a-seed-{seed}", labels={"model": "a"}, seed=seed, steps=4, state="done",
            values={} if seed == 1 else {"fid": 3.0},
        )
        for seed in range(3)
    ]  # fmt: skip
    spec = ExperimentSpec(title="t", seeds=[0, 1, 2], cells=[])
    made = Results.of_nothing(spec).model_copy(update={"cells": cells})
    (found,) = checked_claims(file, made)
    assert found.verdict() == (
        "holds for 2 of 2 seeds (16 to 100 %); not checked of 1 more: wants fid of a"
    )


def test_the_shorter_form_may_have_its_own_seeds() -> None:
    file = ExperimentFile(format="gancli-experiment-1", title="t", seeds=3, lite={"seeds": [5]})
    assert file.seed_list() == [0, 1, 2]
    assert file.seed_list(lite=True) == [5]


def test_the_shorter_form_may_have_its_own_measures(tmp_path: Path) -> None:
    measures = 'lite.measures = [{ kind = "is", count = 100 }]\nmeasures = ["fid"]\n'
    (tmp_path / "e.toml").write_text(measures + HEAD.replace("ring8", "mnist"))
    file = read_experiment(str(tmp_path / "e.toml"))
    full, lite = (plan_of(file, lite=lite) for lite in (False, True))
    assert [(each.kind, each.count) for each in full.measures] == [("fid", None)]
    assert [(each.kind, each.count) for each in lite.measures] == [("is", 100)]
    (tmp_path / "e.toml").write_text(measures.replace("100", '"many"') + HEAD)
    with pytest.raises(UsageError, match=r"lite\.measures"):
        read_experiment(str(tmp_path / "e.toml"))


def test_scores_by_other_weights_are_held_against_nothing_published(tmp_path: Path) -> None:
    """The digit classifier has no published weights, so that none are missing."""
    cell = Cell(tmp_path)
    others = [
        evaluation(5, "inception-torchvision", inception_score_koshian2=2.0),
        evaluation(5, "mnist", published=False, fid=3.0),
    ]
    judged = evaluation(5, "inception", published=False, inception_score=1.5)
    line = next_training_evaluation([], judged, "inception_score", 1.0, {5}, others=others)
    cell.run.log_evaluation(line.model_dump(mode="json"))
    found = {
        kind: ScoreMeasure(MeasureSpec(kind=kind), names).foreign(cell)
        for kind, names in (
            ("is", ["inception_score"]),
            ("is-koshian2", ["inception_score_koshian2"]),
            ("fid", ["fid"]),
        )
    }
    assert found == {"is": {"inception_score"}, "is-koshian2": set(), "fid": set()}


@pytest.mark.parametrize("foreign", [[], ["inception_score_koshian2"]])
def test_other_weights_are_said_in_place_of_a_verdict(foreign: list[str]) -> None:
    file = read_experiment("sngan-cifar")
    spec = spec_of("sngan-cifar")
    score = "inception_score_koshian2"
    columns = {score: Column.of(score_named(score), MeasureSpec(kind="is-koshian2"))}
    cells = [
        CellResult(
            name=each.name, labels=each.labels, seed=0, steps=each.steps, state="done",
            values={score: 5.9}, most={score: None}, foreign=foreign,
        )
        for each in spec.cells
    ]  # fmt: skip
    groups = [group_result([cell], columns) for cell in cells]
    made = Results.of_nothing(spec).model_copy(update={"cells": cells, "groups": groups})
    found = published_values(file, spec, made)
    (claim,) = checked_claims(file, made)
    if foreign:
        assert {each.verdict for each in found} == {"other weights"}
        assert {each.difference for each in found} == {None}
        assert claim.verdict().startswith("not checked: wants inception_score_koshian2")
    else:
        assert "other weights" not in {each.verdict for each in found}
        assert found[0].difference == pytest.approx(5.9 - 5.844)
        assert claim.verdict() == "holds for 1 of 1 seed"
