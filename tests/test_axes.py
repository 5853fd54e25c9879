"""The axes of a sweep: values, labels, and the cells that they make."""

import pytest

from gancli.errors import UsageError
from gancli.experiment.axes import typed_axes
from gancli.experiment.grid import GridPlan, base_change, experiment_of
from gancli.experiment.measures import measures_named
from gancli.experiment.search import has_range, typed_ranges
from gancli.experiment.spec import ExperimentSpec
from gancli.preset import load_preset


def cells(*over: str, base: tuple[str | None, ...] = ("gan", "ring8", None)) -> ExperimentSpec:
    model, dataset, variant = base
    change = base_change(model, dataset, variant, ["schedule.steps=40"])
    return experiment_of(GridPlan("", change, typed_axes(over), [0, 1], measures_named("modes")))


def test_values_are_read_as_toml_or_as_words() -> None:
    found = typed_axes(["a.b=1e-4,2", "c=[0.5, 0.9],[0, 1]", "d=none,batch", 'e="x,y",true'])
    assert [list(axis.labels) for axis in found] == [
        ["0.0001", "2"], ["[0.5, 0.9]", "[0, 1]"], ["none", "batch"], ["x,y", "true"],
    ]  # fmt: skip
    assert [axis.name for axis in found] == ["b", "c", "d", "e"]


def test_axes_of_one_last_name_keep_their_paths() -> None:
    typed = ["generator.optimizer.lr=1e-3", "discriminator.optimizer.lr=1e-3"]
    assert [axis.name for axis in typed_axes(typed)] == [t.partition("=")[0] for t in typed]


def test_a_cell_is_the_preset_with_its_values() -> None:
    """As if each were typed with --set, and named after its labels."""
    spec = cells("optimizer.lr=1e-3,2e-4", "width=16,32")
    assert len(spec.cells) == 2 * 4
    first = spec.cells[0]
    assert first.name == "lr-0.001-width-16-seed-0"
    typed = ["schedule.steps=40", "optimizer.lr=1e-3", "width=16"]
    same = load_preset("gan", "ring8", None, typed)
    assert first.preset.generator == same.generator
    assert first.preset.discriminator == same.discriminator
    assert {cell.settings.seed for cell in spec.cells} == {0, 1}
    assert len({cell.digest() for cell in spec.cells}) == 8


def test_model_data_and_objective_are_axes() -> None:
    spec = cells("model=gan,wgan-gp", "dataset=ring8,grid25", base=(None, None, None))
    assert [cell.name for cell in spec.cells[:4]] == [
        "gan-ring8-seed-0", "gan-grid25-seed-0", "wgan-gp-ring8-seed-0", "wgan-gp-grid25-seed-0",
    ]  # fmt: skip
    terms = cells("objective=vanilla,hinge+r1").cells
    assert [sorted(cell.preset.objective.parts) for cell in terms[:2]] == [
        ["vanilla"], ["hinge", "r1"],
    ]  # fmt: skip


def test_a_digest_is_of_what_results_depend_on() -> None:
    """Not of names, periods or the number of seeds; of everything that trains."""
    one, other = (cells("optimizer.lr=1e-3", "width=16,32"), cells("width=32", "optimizer.lr=1e-3"))
    digests = {cell.digest() for cell in one.cells}
    assert {cell.digest() for cell in other.cells} <= digests
    longer = one.cells[0].model_copy(update={
        "preset": load_preset("gan", "ring8", None, ["schedule.steps=41", "optimizer.lr=1e-3",
                                                     "width=16"])})  # fmt: skip
    assert longer.digest() not in digests


@pytest.mark.parametrize(
    ("over", "said"),
    [
        (["optimizer.lr"], "not of the form"),
        (["optimizer.lr="], "names no values"),
        (["optimizer.lr=1e-3,,1e-4"], "empty value"),
        (["optimizer.lr=1e-3,0.001"], "names 0.001 twice"),
        (["optimizer.lr=1", "optimizer.lr=2"], "there twice"),
        (["optimizer.lrr=1"], "did you mean optimizer.lr"),
        (["norm=none/,none"], "one folder's name"),
        (["model=gan,gna"], "did you mean gan?"),
    ],
)
def test_a_wrong_axis_gets_a_sentence(over: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        cells(*over)
    assert said in str(caught.value), str(caught.value)


@pytest.mark.parametrize("text", ["lr=1..", "lr=2..1", "lr=a..b", "lr", "lr=1..2..3"])
def test_a_wrong_range_gets_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="over"):
        typed_ranges([text])


def test_a_range_is_no_path_and_no_list() -> None:
    said = ("lr=1e-5..1e-2", "dataset=../faces", "dataset=a/..", "lr=1,2", 'x="a..b"')
    assert [has_range(text) for text in said] == [True, False, False, False, False]


def test_ranges_are_of_numbers_or_choices() -> None:
    lr, width, norm = typed_ranges(["lr=1e-5..1e-2", "width=16..64", "norm=none,batch"])
    assert (lr.low, lr.high, lr.is_whole) == (1e-5, 1e-2, False)
    assert (width.low, width.high, width.is_whole) == (16, 64, True)
    assert list(norm.choices) == ["none", "batch"]


def test_an_unknown_score_gets_a_sentence() -> None:
    with pytest.raises(UsageError, match="choose from modes"):
        measures_named("mods")
