"""What may stand in `--set`: short names, every player's, those of other programs, and mistakes."""

import re
from pathlib import Path

import pytest
from conftest import Gan

from gancli.catalog.fields import leaves
from gancli.catalog.synonyms import FIELD_NAMED, OPTION_NAMED
from gancli.errors import UsageError
from gancli.preset import change, load_preset, preset_differences, to_toml
from gancli.preset.field_names import every_field
from gancli.state import build_players

RING = ("sngan", "ring8")
IMAGES = ("wgan-gp", "cifar10")


@pytest.mark.parametrize(
    ("model", "short", "same"),
    [
        (RING, "lr=1e-4", ["generator.optimizer.lr=1e-4", "discriminator.optimizer.lr=1e-4"]),
        (RING, "optimizer.eps=1", ["generator.optimizer.eps=1", "discriminator.optimizer.eps=1"]),
        (RING, "network.width=8", ["generator.network.width=8", "discriminator.network.width=8"]),
        (RING, "betas=[0.5, 0.9]", ["optimizer.betas=[0.5, 0.9]"]),
        (RING, "batch_size=8", ["schedule.batch_size=8"]),
        (RING, "z_dim=3", ["prior.z_dim=3"]),
        (RING, "weight=3", ["objective.vanilla.weight=3"]),
        (IMAGES, "norm=none", ["generator.network.norm=none", "discriminator.network.norm=none"]),
        (IMAGES, "network.head_width=8", ["discriminator.network.head_width=8"]),
        (IMAGES, "flip=false", ["data.flip=false"]),
        (IMAGES, "gradient_penalty.weight=1", ["objective.gradient_penalty.weight=1"]),
        (("veegan", "ring8"), "lr=1e-4", [f"{player}.optimizer.lr=1e-4" for player in
            ("generator", "discriminator", "reconstructor")]),
    ],
)  # fmt: skip
def test_short_names_mean_the_whole_ones(
    model: tuple[str, str], short: str, same: list[str]
) -> None:
    try:
        expected = load_preset(*model, None, same)
    except UsageError as error:
        with pytest.raises(UsageError, match=str(error).split(": ")[1].split()[0]):
            load_preset(*model, None, [short])
        return
    assert not preset_differences(expected, load_preset(*model, None, [short]))
    assert preset_differences(load_preset(*model), expected)


def test_a_kind_that_is_set_brings_its_fields_in_any_order() -> None:
    fields = ["momentum=0.5", "optimizer.kind=sgd", "lr=0.1"]
    for order in (fields, fields[::-1]):
        preset = load_preset(*RING, None, order)
        assert [spec.model_dump()["momentum"] for spec in preset.optimizers().values()] == [
            0.5,
            0.5,
        ]


def test_a_family_of_every_player_brings_its_fields() -> None:
    fields = ["network.family=resnet", "network.attention=16"]
    for order in (fields, fields[::-1]):
        preset = load_preset("wgan-gp", "cifar10", None, order)
        networks = [player.network.model_dump() for player in preset.players().values()]
        assert [(each["family"], each["attention"]) for each in networks] == [("resnet", 16)] * 2


@pytest.mark.parametrize(
    ("model", "text", "meant"),
    [
        (RING, "n_dis=5", "schedule.discriminator_steps"),
        (RING, "n_critic=5", "schedule.discriminator_steps"),
        (RING, "schedule.n_critic=5", "schedule.discriminator_steps"),
        (RING, "learning_rate=1", "optimizer.lr"),
        (RING, "generator.lr=1", "generator.optimizer.lr"),
        (RING, "d_lr=1", "discriminator.optimizer.lr"),
        (RING, "beta1=0.5", "optimizer.betas"),
        (RING, "optimizer.beta1=0.5", "optimizer.betas"),
        (RING, "generator.optimizer.beta1=0.5", "generator.optimizer.betas"),
        (RING, "objective.vanilla.fake_target=-1", "objective.least_squares.fake_target"),
        (RING, "label_smoothing=0.9", "objective.vanilla.real_target"),
        (RING, "batch=3", "schedule.batch_size"),
        (RING, "bs=3", "schedule.batch_size"),
        (RING, "n_epochs=3", "schedule.epochs"),
        (RING, "niter=3", "schedule.steps"),
        (RING, "latent_dim=3", "prior.z_dim"),
        (RING, "nz=3", "prior.z_dim"),
        (RING, "prior.zdim=3", "prior.z_dim"),
        (RING, "ngf=3", "generator.network.width"),
        (IMAGES, "ngf=3", "generator.network.dim"),
        (IMAGES, "ndf=3", "discriminator.network.dim"),
        (IMAGES, "lambda_gp=3", "objective.gradient_penalty.weight"),
        (IMAGES, "gp_weight=3", "objective.gradient_penalty.weight"),
        (IMAGES, "init_spectral=true", "network.init"),
        (IMAGES, "generator.network.init_spectral=true", "generator.network.init"),
        (RING, "bach_size=3", "schedule.batch_size"),
        (RING, "seed=3", "--seed"),
        (RING, "device=cpu", "--device"),
        (IMAGES, "weight=3", "objective.wasserstein.weight or objective.gradient_penalty.weight"),
    ],
)
def test_a_wrong_name_is_answered_with_whole_paths(
    model: tuple[str, str], text: str, meant: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load_preset(*model, None, [text])
    said = str(caught.value)
    assert f"no field {text.split('=')[0]}, did you mean {meant}?" in said or (
        text.startswith("optimizer") and f"did you mean {meant}?" in said
    )


def test_a_field_of_another_kind_says_which() -> None:
    with pytest.raises(UsageError, match=r"optimizer\.kind = sgd has one"):
        load_preset(*RING, None, ["optimizer.momentum=0.5"])
    with pytest.raises(UsageError, match=r"data\.kind = torchvision has one"):
        load_preset(*RING, None, ["data.source=mnist"])


def test_synonyms_lead_to_fields_and_options_there_are(gan: Gan) -> None:
    every = {*every_field(), *leaves(load_preset("gan", "ring8").model_dump(mode="json"))}
    of_any_player = {path.partition(".")[2] for path in every}
    for name, field in FIELD_NAMED.items():
        shared = field.startswith(("optimizer.", "network."))
        assert field in (of_any_player if shared else every), name
        assert field.rpartition(".")[2] != name, f"{name} is the field's own name"
    help_text = gan("train", "--help")[1]
    assert all(f"{option} " in help_text for option in set(OPTION_NAMED.values()))
    assert not {*FIELD_NAMED} & {*OPTION_NAMED}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("train gan --stepz 3", "--steps"),
        ("train gan --n-epochs 3", "--epochs"),
        ("train gan --num-iters 3", "--steps"),
        ("train gan --lr 3", "--set optimizer.lr=VALUE"),
        ("train gan --batch-size 3", "--set schedule.batch_size=VALUE"),
        ("train gan --nCritic 3", "--set schedule.discriminator_steps=VALUE"),
        ("train gan --gpu 0", "--device"),
        ("train gan --data x", "--dataset"),
        ("presets show --variat x", "--variant"),
        ("evaluate --batchsize 3", "--batch-size"),
    ],
)
def test_a_wrong_option_is_answered_with_the_nearest(gan: Gan, typed: str, meant: str) -> None:
    code, _, err = gan(*typed.split())
    command = typed.partition(" --")[0].removesuffix(" gan")
    assert code == 2
    wrong = f"--{typed.partition('--')[2].split()[0]}"
    assert f"gan {command} has no option {wrong}, did you mean {meant}? " in err
    assert f"gan {command} --help lists the options" in err


PUBLISHED = ("sngan", "cifar10")


@pytest.mark.parametrize(
    ("changes", "dataset", "kept"),
    [
        ([], "cifar10", True),
        (["log_every=5"], "cifar10", True),
        (["schedule.batch_size=512"], "cifar10", True),
        (["data.source=mnist", "data.size=32"], "mnist", False),
        (["network.dim=128"], "cifar10", False),
        (["objective.vanilla=", "objective.hinge.weight=1"], "cifar10", False),
        (["data.flip=false"], "cifar10", False),
        (["steps=7"], "cifar10", False),
        (["lr=1e-3"], "cifar10", False),
    ],
)
def test_published_scores_are_those_of_the_configuration(
    changes: list[str], dataset: str, kept: bool
) -> None:
    published = load_preset(*PUBLISHED)
    assert published.expected is not None
    for preset in (load_preset(*PUBLISHED, None, changes), change(published, changes)):
        assert (preset.dataset, preset.expected is not None) == (dataset, kept)


def test_an_edited_file_loses_the_published_scores(gan: Gan) -> None:
    whole = to_toml(load_preset(*PUBLISHED))
    for text, kept in (
        (whole, True),
        (whole.replace("batch_size = 512", "batch_size = 64"), False),
    ):
        Path("my.toml").write_text(text)
        assert ("[expected]" in gan("presets", "show", "my.toml")[1]) is kept


def test_other_points_have_another_name() -> None:
    assert load_preset("gan", "ring8", None, ["data.modes=16"]).dataset == "ring8-changed"
    assert load_preset("gan", "ring8", None, ["points_per_mode=16"]).dataset == "ring8"


def test_where_fields_are_listed_can_be_typed(gan: Gan) -> None:
    preset = load_preset("gan", "ring8")
    for known in (preset, preset.model_copy(update={"name": "mine"})):
        with pytest.raises(UsageError) as caught:
            change(known, ["xyzzy=1"])
        command = str(caught.value).partition("; gan ")[2].removesuffix(" lists the fields")
        assert gan(*command.split())[0] == 0
    Path("mine.toml").write_text(to_toml(preset).replace('name = "gan"', 'name = "mine"'))
    code, _, err = gan("train", "mine.toml", "--set", "xyzzy=1")
    assert (code, "gan presets show mine.toml lists the fields" in err) == (2, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.crop=20", "data.crop is 20, and must be a list, e.g. [1, 2]"),
        ("data.crop=[20]", "data.crop is [20], and must be a list of 2 or more"),
        ("data.crop=[20, 20, 3]", "data.crop is [20, 20, 3], and must be a list of 2 or fewer"),
        (
            "generator.network.multipliers=[]",
            "generator.network.multipliers is [], and must be a list of 1 or more",
        ),
        (
            "generator.network.multipliers=[1]",
            "kernels: [2, 2, 4] has 3 numbers, and there must be one for each of multipliers, "
            "which has 1",
        ),
        (
            "generator.optimizer.plateau=true",
            "generator.optimizer.plateau is true, and must be a table, e.g. {name = value}",
        ),
        (
            "discriminator.network.init_by_layer.first_conv={init='normal', gain=2}",
            "first_conv: gain changes nothing, because init = normal has none: take it out",
        ),
    ],
)
def test_faulty_lists_and_tables_are_called_so(change: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        load_preset("dcgan", "mnist", "tiny", [change])


def test_a_field_of_the_kind_that_another_took_the_place_of() -> None:
    changes = ["optimizer.kind=sgd", "optimizer.lr=1e-3", "optimizer.betas="]
    with pytest.raises(UsageError, match=re.escape("optimizer.betas: optimizer.kind = adam has")):
        load_preset("gan", "mnist", "grid-conv", changes)


def test_a_pattern_that_matches_no_layer_says_whose() -> None:
    change = "discriminator.network.init_by_layer={'nope'={init='torch'}}"
    preset = load_preset("dcgan", "mnist", "tiny", [change])
    with pytest.raises(UsageError, match=r"^discriminator\.network\.init_by_layer: no layer match"):
        build_players(preset, 0)
