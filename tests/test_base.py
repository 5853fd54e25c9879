"""A user's preset file may build on another one and say only what differs."""

from pathlib import Path

import pytest
from conftest import Gan

from gancli.errors import UsageError
from gancli.preset import load_preset


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(exist_ok=True, parents=True)
    Path(name).write_text(text)
    return name


SMALL = """
base = "sngan"
[schedule]
batch_size = 32
[optimizer]
lr = 0.5
"""


def test_a_file_changes_what_it_says_and_nothing_else() -> None:
    file = write("my own.toml", SMALL)
    for dataset, variant in (("cifar10", None), ("cifar10", "lite"), ("ring8", None)):
        base = load_preset("sngan", dataset, variant)
        mine = load_preset(file, dataset, variant)
        assert mine.name == "my-own"
        assert (mine.dataset, mine.variant) == (base.dataset, base.variant)
        assert mine.schedule == base.schedule.model_copy(update={"batch_size": 32})
        assert {each.optimizer.lr for each in mine.players().values()} == {0.5}
        assert mine.generator.network == base.generator.network
        assert mine.objective == base.objective
        assert mine.expected is None


def test_deviations_are_those_from_the_bases_paper() -> None:
    base = load_preset("sngan", "cifar10", "paper")
    mine = load_preset(write("my.toml", SMALL), "cifar10")
    assert mine.deviations["schedule.batch_size"].paper == base.schedule.batch_size
    assert mine.deviations["generator.optimizer.lr"].paper == base.generator.optimizer.lr


def test_the_command_line_is_laid_over_last() -> None:
    file = write("my.toml", SMALL)
    assert load_preset(file, "ring8", None, ["schedule.batch_size=8"]).schedule.batch_size == 8


def test_a_file_may_choose_its_data_set_and_variant() -> None:
    file = write("my.toml", 'base = "sngan"\ndataset = "cifar10"\nvariant = "lite"')
    preset = load_preset(file)
    assert (preset.dataset, preset.variant) == ("cifar10", "lite")
    assert load_preset(file, "cifar10") == preset
    with pytest.raises(UsageError, match=r"my\.toml is made for dataset cifar10, not ring8"):
        load_preset(file, "ring8")
    with pytest.raises(UsageError, match=r"my\.toml is made for variant lite, not paper"):
        load_preset(file, None, "paper")


def test_data_of_ones_own_are_named_beside_the_base_s() -> None:
    text = 'base = {preset = "gan", dataset = "ring8"}\ndataset = "ring5"\n[data]\nmodes = 5'
    preset = load_preset(write("five.toml", text))
    home = load_preset("gan", "ring8")
    assert (preset.name, preset.dataset) == ("five", "ring5")
    assert preset.data == home.data.model_copy(update={"modes": 5})


def test_fields_are_taken_out_by_name() -> None:
    file = write("my.toml", 'base = "gan-r1"\nwithout = ["objective.r1"]')
    assert "r1" in load_preset("gan-r1", "ring8").objective.parts
    assert "r1" not in load_preset(file, "ring8").objective.parts
    write("my.toml", 'base = "gan-r1"\nwithout = ["objective.r2"]')
    with pytest.raises(UsageError, match=r"my\.toml: without lists objective\.r2"):
        load_preset(file, "ring8")
    write("my.toml", 'base = "gan-r1"\nwithout = "objective.r1"')
    with pytest.raises(UsageError, match=r"my\.toml: without is not a list"):
        load_preset(file, "ring8")


def test_files_build_on_files_next_to_them() -> None:
    write("below/root.toml", SMALL)
    write("below/middle.toml", 'base = "root.toml"\nsummary = "in the middle"')
    file = write("top.toml", 'base = "below/middle.toml"\n[schedule]\nbatch_size = 16')
    preset = load_preset(file, "ring8")
    assert (preset.name, preset.summary) == ("top", "in the middle")
    assert preset.schedule.batch_size == 16
    assert preset.generator.optimizer.lr == 0.5


def test_a_resolved_file_may_be_a_base(gan: Gan) -> None:
    _, shown, _ = gan("presets", "show", "gan", "--dataset", "ring8")
    write("whole.toml", shown)
    file = write("my.toml", 'base = "whole.toml"\n[schedule]\nbatch_size = 16')
    assert load_preset(file).schedule.batch_size == 16
    with pytest.raises(UsageError, match=r"my\.toml: .*resolved for dataset ring8"):
        load_preset(file, "grid25")


def test_circles_and_endless_chains_are_refused() -> None:
    write("a.toml", 'base = "b.toml"')
    write("b.toml", 'base = "./a.toml"')
    with pytest.raises(UsageError, match=r"in a circle: a\.toml -> b\.toml -> a\.toml"):
        load_preset("a.toml", "ring8")
    for number in range(12):
        write(f"{number}.toml", f'base = "{number + 1}.toml"')
    with pytest.raises(UsageError, match="more than 10 preset files build on each other"):
        load_preset("0.toml", "ring8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base = "no-such"', "my.toml: .*'no-such'"),
        ("base = 3", "my.toml: base is neither"),
        ('base = {preset = "gan", data = "ring8"}', "my.toml: base is neither"),
        ('base = "gone.toml"', "gone.toml"),
        ('base = "gan"\n[schedule]\nbatchsize = 3', "my.toml: no field schedule.batchsize"),
        ('base = "gan"\n[schedule]\nbatch_size = "x"', "my.toml: schedule.batch_size is 'x'"),
    ],
)
def test_errors_name_the_file(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_preset(write("my.toml", text), "ring8")


def test_the_command_trains_and_shows_it(gan: Gan) -> None:
    file = write("my.toml", 'base = "gan"\n[generator.network]\nwidth = 8\n[schedule]\nsteps = 2')
    code, shown, _ = gan("presets", "show", file, "--dataset", "ring8")
    assert code == 0
    write("shown.toml", shown)
    assert load_preset("shown.toml") == load_preset(file, "ring8")
    code, said, error = gan("train", file, "--dataset", "ring8", "--dry-run")
    assert (code, error) == (0, "")
    assert "my" in said
    code, said, error = gan("train", file, "--dataset", "ring8")
    assert code == 0, error
    assert Path("runs/my-ring8-001/preset.toml").exists()
    code, said, error = gan("train", file, "--dataset", "ring8", "--resume")
    assert "complete at step 2" in said, error
