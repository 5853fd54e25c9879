"""presets/experiments: each file parses, its cells resolve, its claims hold where published."""

import re
from functools import cache
from pathlib import Path

import pytest

from gancli.commands.sweep import SweepRequest
from gancli.environment import Place
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.claims import ClaimRow, NotMeasuredError, holds
from gancli.experiment.file import ExperimentFile, experiment_names, read_experiment
from gancli.experiment.grid import experiment_of
from gancli.experiment.reproduction import claim_rows_published, plan_of
from gancli.experiment.spec import ExperimentSpec

NAMES = experiment_names()
CHECKED_CLAIMS = 12
"""Claims of which all published numbers are known."""
HEAD = 'format = "gancli-experiment-1"\ntitle = "t"\n[base]\nmodel = "gan"\ndataset = "ring8"\n'
AXIS = '[axes.lr]\nfield = "optimizer.lr"\nvalues = [1e-3, 1e-4]\n'


@cache
def spec_of(name: str, *, lite: bool = False) -> ExperimentSpec:
    return experiment_of(plan_of(read_experiment(name), lite=lite))


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
        rows = claim_rows_published(file, spec_of(name))
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
    "test", ["__import__('os')", "at(model='a').fid.__class__", "[x for x in y]", "1 +", "f(1)"]
)
def test_a_claim_that_is_more_than_an_expression_about_cells_is_refused(test: str) -> None:
    with pytest.raises(UsageError, match="the claim"):
        holds(test, [ClaimRow("a", {"model": "a"}, {"fid": 1.0})])


def test_the_shorter_form_may_have_its_own_seeds() -> None:
    file = ExperimentFile(format="gancli-experiment-1", title="t", seeds=3, lite={"seeds": [5]})
    assert file.seed_list() == [0, 1, 2]
    assert file.seed_list(lite=True) == [5]
