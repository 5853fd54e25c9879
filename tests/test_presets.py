"""Presets: how they are laid over each other, what papers say, and what is wrong with bad ones."""

import tomllib
from pathlib import Path

import pytest
from conftest import Gan
from helpers import Key, every_choice, narrow

from gancli import catalog
from gancli.catalog.fields import leaves
from gancli.catalog.merge import PLAYERS
from gancli.errors import UsageError
from gancli.objective import R1
from gancli.preset import Preset, change, load_preset, preset_differences, to_toml
from gancli.state import build_players


def test_counts_of_the_layers_with_directions() -> None:
    net = build_players(load_preset("eigengan"), seed=0).generator
    sizes = dict.fromkeys(("U", "L", "mu"), 0)
    for name, parameter in net.named_parameters():
        sizes[name.rpartition(".")[2]] = sizes.get(name.rpartition(".")[2], 0) + parameter.numel()
    assert (sizes["U"], sizes["mu"], sizes["L"]) == (6_144_000, 1_024_000, 36)


@pytest.mark.parametrize("model", catalog.model_names())
def test_shown_preset_is_the_same_preset(model: str, tmp_path: Path) -> None:
    """Of every data set and variant."""
    file = tmp_path / "my.toml"
    for key in (key for key in every_choice() if key[0] == model):
        preset = load_preset(*key)
        file.write_text(to_toml(preset))
        assert load_preset(str(file)) == preset, key


def test_paper_variants_withdraw_what_they_correct() -> None:
    reference = load_preset("wgan-gp", "cifar10").deviations_in_force()
    paper = load_preset("wgan-gp", "cifar10", "paper").deviations_in_force()
    corrected = {"objective.gradient_penalty.per_sample", "discriminator.network.norm"}
    assert corrected <= set(reference)
    assert not corrected & set(paper)


@pytest.mark.parametrize(
    ("key", "path", "said"),
    [
        (("dcgan-r1", "cifar10", "reference"), "generator.optimizer.kind", "rmsprop"),
        (("dcgan-r1", "cifar10", "reference"), "objective.vanilla.halved", False),
        (("dcgan-r1", "cifar10", "lite"), "data.noise", 0.0078125),
        (("wgan", "ring8", "reference"), "prior.z_dim", 2),
        (("wgan", "cifar10", "lite"), "objective.weight_clip.bound", 0.01),
        (("wgan-gp", "cifar10", "lite"), "schedule.discriminator_steps", 5),
        (("gan-r1", "mnist", "reference"), "schedule.ema_decay", 0.999),
        (("lsgan", "grid25", "reference"), "schedule.batch_size", 512),
    ],
)
def test_what_the_paper_says_otherwise_is_marked(key: Key, path: str, said: object) -> None:
    assert load_preset(*key).deviations_in_force()[path].paper == said


def test_an_override_is_marked_too() -> None:
    assert "prior.z_dim" not in load_preset("sngan", "ring8").deviations_in_force()
    changed = load_preset("sngan", "ring8", overrides=["prior.z_dim=9"])
    assert changed.deviations_in_force()["prior.z_dim"].paper == 32


def schedule_of(preset: Preset) -> tuple[int, int, int]:
    s = preset.schedule
    return s.steps, s.batch_size, s.discriminator_steps


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("ring8", (5_000, 256, 5)),
        ("grid25", (5_000, 256, 5)),
        ("mnist", (10_000, 256, 5)),
        ("cifar10", (40_000, 512, 5)),
        ("ffhq", (500_000, 64, 1)),
    ],
)
def test_reference_schedules(dataset: str, expected: tuple[int, int, int]) -> None:
    """Those of the data set, for models that say nothing of steps and batches."""
    files = [catalog.preset_file(name) for name in catalog.model_names()]
    said = ("steps", "batch_size", "discriminator_steps")
    silent = [
        file.name
        for file in files
        if dataset in file.datasets
        and not any(
            key in table.get("schedule", {})
            for table in (file.body(), *map(file.on.get, file.lineage(dataset)))
            if table
            for key in said
        )
    ]
    assert silent
    assert {schedule_of(load_preset(name, dataset)) for name in silent} == {expected}


# The papers: G updates, batch, discriminator updates; learning rates of G and D.
@pytest.mark.parametrize(
    ("model", "dataset", "schedule", "rates"),
    [
        ("gan", "ring8", (35_000, 512, 1), (1e-3, 1e-4)),
        ("gan-r1", "grid25", (50_000, 256, 1), (1e-4, 1e-4)),
        ("wgan", "ring8", (100_000, 256, 5), (5e-5, 5e-5)),
        ("wgan-gp", "ring8", (100_000, 256, 5), (1e-4, 1e-4)),
        ("sngan", "ring8", (25_000, 256, 1), (2e-4, 2e-4)),
        ("lsgan", "ring8", (35_000, 512, 1), (1e-3, 1e-4)),
        ("gan", "mnist", (125_000, 100, 1), (0.1, 0.1)),
        ("gan-r1", "mnist", (50_000, 64, 1), (1e-4, 1e-4)),
        ("wgan", "mnist", (200_000, 64, 5), (5e-5, 5e-5)),
        ("wgan-gp", "mnist", (200_000, 50, 5), (1e-4, 1e-4)),
        ("sngan", "mnist", (50_000, 64, 1), (2e-4, 2e-4)),
        ("lsgan", "mnist", (50_000, 64, 1), (2e-4, 2e-4)),
        ("dcgan", "cifar10", (100_000, 128, 1), (2e-4, 2e-4)),
        ("dcgan-r1", "cifar10", (100_000, 64, 1), (1e-4, 1e-4)),
        ("wgan", "cifar10", (200_000, 64, 5), (5e-5, 5e-5)),
        ("wgan-gp", "cifar10", (200_000, 64, 5), (1e-4, 1e-4)),
        ("sngan", "cifar10", (100_000, 64, 1), (2e-4, 2e-4)),
        ("sngan-hinge", "cifar10", (100_000, 64, 1), (2e-4, 2e-4)),
        ("lsgan", "cifar10", (100_000, 64, 1), (2e-4, 2e-4)),
        ("infogan", "mnist", (5_000, 128, 1), (1e-3, 2e-4)),
        ("eigengan", "ffhq", (87_000, 64, 1), (1e-4, 1e-4)),
    ],
)
def test_paper_settings(
    model: str, dataset: str, schedule: tuple[int, int, int], rates: tuple[float, float]
) -> None:
    preset = load_preset(model, dataset, "paper")
    assert schedule_of(preset) == schedule
    assert (preset.generator.optimizer.lr, preset.discriminator.optimizer.lr) == rates
    assert preset.expected is None


# What else the papers' variants say.
@pytest.mark.parametrize(
    ("model", "dataset", "fields"),
    [
        ("gan", "ring8", {"prior.z_dim": 256, "generator.optimizer.betas": [0.5, 0.999]}),
        ("gan", "mnist", {"prior.distribution": "uniform", "objective.vanilla.halved": True}),
        ("gan-r1", "ring8", {"objective.r1.weight": 10, "objective.r1.halved": False}),
        ("gan-r1", "mnist", {"schedule.ema_decay": 0.999, "objective.r1.shared_forward": True}),
        ("wgan", "ring8", {"generator.optimizer.eps": 1e-10, "generator.optimizer.alpha": 0.9}),
        ("wgan", "cifar10", {"generator.network.dim": 64, "generator.network.bias": False}),
        ("wgan", "mnist", {"objective.weight_clip.when": "before", "schedule.warmup.steps": 100}),
        ("wgan-gp", "ring8", {"objective.gradient_penalty.weight": 0.1, "prior.z_dim": 2}),
        ("wgan-gp", "mnist", {"objective.gradient_penalty.per_sample": True, "prior.z_dim": 128}),
        ("wgan-gp", "cifar10", {"discriminator.network.norm": "none", "data.flip": False}),
        ("sngan", "mnist", {"generator.optimizer.betas": [0.5, 0.999]}),
        ("sngan", "cifar10", {"data.noise": 0.0078125, "discriminator.network.norm": "none"}),
        ("sngan-hinge", "cifar10", {"prior.z_dim": 128, "objective.hinge.weight": 1}),
        ("lsgan", "mnist", {"generator.network.norm": "none", "prior.distribution": "uniform"}),
        ("lsgan", "cifar10", {"discriminator.network.norm": "batch", "prior.z_dim": 100}),
        ("dcgan", "cifar10", {"discriminator.network.bias": False, "prior.scale": 1}),
        ("dcgan-r1", "cifar10", {"discriminator.network.norm": "none", "data.noise": 0.0078125}),
        (
            "infogan",
            "mnist",
            {
                "prior.z_dim": 62,
                "prior.distribution": "uniform",
                "prior.code_distribution": "uniform",
                "discriminator.network.head_width": 128,
                "discriminator.network.norm": "batch",
                "objective.mutual_information.own_turn": False,
                "objective.r1": None,
            },
        ),
        (
            "eigengan",
            "ffhq",
            {
                "prior.truncation": 1.5,
                "generator.network.init": "he",
                "generator.network.importance": "falling",
                "objective.hinge.generator_margin": True,
                "objective.orthogonality.averaged": False,
                "objective.r1.halved": False,
                "objective.r1.every": 3,
                "schedule.ema_decay": 0.999,
                "schedule.ema_warmup": False,
            },
        ),
    ],
)
def test_more_of_the_papers(model: str, dataset: str, fields: dict[str, object]) -> None:
    known = leaves(load_preset(model, dataset, "paper").model_dump(mode="json"))
    assert {path: known[path] for path in fields} == fields


@pytest.mark.parametrize(
    ("model", "norm", "steps", "turns", "betas"),
    [
        ("dcgan", "batch", 4500, 1, (0.5, 0.999)),
        ("lsgan", "batch", 4500, 1, (0.5, 0.999)),
        ("dcgan-r1", "none", 3500, 1, (0.5, 0.999)),
        ("sngan", "none", 4500, 1, (0.5, 0.999)),
        ("sngan-hinge", "none", 4500, 1, (0.0, 0.9)),
        ("wgan-gp", "none", 3000, 1, (0.0, 0.9)),
        ("wgan", "none", 3000, 2, (0.0, 0.9)),
    ],
)
def test_lite_settings(
    model: str, norm: str, steps: int, turns: int, betas: tuple[float, float]
) -> None:
    preset = load_preset(model, "cifar10", "lite")
    known = leaves(preset.model_dump(mode="json"))
    assert known["discriminator.network.norm"] == norm
    assert schedule_of(preset) == (steps, 64, turns)
    assert preset.schedule.ema_decay == 0.998
    assert preset.schedule.preview_every == 500
    assert preset.generator.optimizer == preset.discriminator.optimizer
    assert preset.generator.optimizer.lr == 2e-4
    assert tuple(known["generator.optimizer.betas"]) == betas
    assert known["generator.network.dim"] == known["discriminator.network.dim"] == 64
    assert known["data.flip"]
    assert known.get("objective.weight_clip.bound", 0.1) == 0.1
    assert known.get("objective.gradient_penalty.per_sample", True)
    assert known.get("objective.r1.shared_forward", True)
    assert preset.expected is None


def test_lite_settings_of_models_with_codes_and_directions() -> None:
    info, eigen = load_preset("infogan", "mnist", "lite"), load_preset("eigengan", None, "lite")
    assert (schedule_of(info), schedule_of(eigen)) == ((6_000, 64, 1), (2_500, 32, 1))
    rates = [each.players()[who].optimizer.lr for each in (info, eigen) for who in PLAYERS]
    assert rates == [1e-3, 2e-4, 2e-4, 2e-4]
    assert list(info.objective.terms()) == ["vanilla", "mutual_information"]
    norms = [player.network.model_dump()["norm"] for player in info.players().values()]
    assert norms == ["batch", "batch"]
    assert eigen.data.shape.x == (3, 64, 64)
    for player in eigen.players().values():
        known = player.network.model_dump()
        assert [known["dim"] * m for m in known["multipliers"]] == [16, 32, 64, 128, 128]
    lazy = eigen.objective.find(R1)
    assert lazy is not None
    assert lazy.every == 3
    assert (eigen.prior.z_dim, eigen.prior.levels) == (128, (4, 6))
    assert (info.schedule.ema_decay, eigen.schedule.ema_decay) == (0.998, 0.995)


def test_warmup_follows_the_authors_code() -> None:
    schedule = load_preset("wgan", "cifar10", "paper").schedule
    turns = [schedule.discriminator_steps_at(step) for step in (0, 24, 25, 499, 500, 501, 1000)]
    assert turns == [100, 100, 5, 5, 100, 5, 100]
    assert schedule.batches_before(501) == 25 * 100 + 475 * 5 + 100


def test_learning_rates_can_fall_to_zero() -> None:
    key = ("dcgan", "cifar10", "lite")
    schedule = narrow(key, ["schedule.steps=100", "schedule.lr_decay_start=60"]).schedule
    assert [schedule.lr_factor(step) for step in (0, 60, 80, 99)] == [1.0, 1.0, 0.5, 0.025]


def test_momentum_and_rate_of_the_first_gan() -> None:
    sgd = load_preset("gan", "mnist", "paper").generator.optimizer
    assert sgd.at(0) == {"lr": 0.1, "momentum": 0.5}
    assert sgd.at(125_000)["momentum"] == pytest.approx(0.7)
    assert sgd.at(10)["lr"] == pytest.approx(0.1 / 1.000004**10)
    assert sgd.at(10_000_000)["lr"] == 1e-6
    steep = load_preset("gan", "mnist", "paper", ["optimizer.lr_divisor=2.0"])
    assert steep.generator.optimizer.at(100_000)["lr"] == 1e-6


def test_overrides_add_change_and_remove_terms() -> None:
    preset = load_preset("gan", "ring8", overrides=["objective.r1.weight=3"])
    penalty = preset.objective.find(R1)
    assert penalty is not None
    assert penalty.weight == 3
    hinge = change(preset, ["objective.vanilla=", "objective.hinge.weight=2", "objective.r1="])
    assert list(hinge.objective.terms()) == ["hinge"]
    assert preset_differences(preset, hinge) == [
        "objective.hinge.generator_margin: absent -> False",
        "objective.hinge.weight: absent -> 2.0",
        "objective.r1.every: 1 -> absent",
        "objective.r1.halved: True -> absent",
        "objective.r1.shared_forward: True -> absent",
        "objective.r1.weight: 3.0 -> absent",
        "objective.vanilla.halved: True -> absent",
        "objective.vanilla.real_target: 1.0 -> absent",
        "objective.vanilla.saturating: False -> absent",
        "objective.vanilla.weight: 1.0 -> absent",
    ]


def test_optimizer_means_every_player() -> None:
    preset = load_preset("gan", "ring8", overrides=["optimizer.lr=0.5"])
    assert preset.generator.optimizer.lr == preset.discriminator.optimizer.lr == 0.5


def test_a_changed_kind_starts_anew() -> None:
    fields = ["optimizer.kind=rmsprop", "optimizer.lr=0.1"]
    optimizer = load_preset("gan", "ring8", overrides=fields).generator.optimizer
    assert optimizer.kind == "rmsprop"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("ganz", "ring8"), ["'ganz'", "did you mean gan?", "wgan-gp"]),
        (("gan", "cifar10"), ["use dcgan", "gan train dcgan --dataset cifar10"]),
        (("gan", None), ["--dataset", "ring8, grid25, ring8-veegan"]),
        (("gan", "rin8"), ["'rin8'", "did you mean ring8?"]),
        (("sngan-hinge", "ring8"), ["use sngan"]),
        (("gan", "ring8", "papr"), ["'papr'", "did you mean paper?"]),
        (("gan", "ring8", "lite"), ["no variant 'lite' on ring8", "reference, paper"]),
        (("nowhere.toml",), ["could not read the preset file nowhere.toml"]),
    ],
)
def test_unknown_names(arguments: tuple[str, ...], expected: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_preset(*arguments)
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("schedule.stepz=3", ["no field schedule.stepz", "did you mean schedule.steps?"]),
        ("schedule.steps=many", ["schedule.steps", "'many'", "integer"]),
        ('schedule.steps="9"', ["schedule.steps", "'9'", "integer"]),
        ("schedule.steps=true", ["schedule.steps", "true", "integer"]),
        ("objective.vanilla.halved=yes", ["objective.vanilla.halved", "'yes'", "boolean"]),
        ("objective.vanila=", ["objective.vanila", "not set"]),
        ("data.modes=0", ["data.modes"]),
        ("schedule.steps=0", ["schedule.steps is 0", "greater than 0"]),
        ("generator.optimizer.lr=-1", ["generator.optimizer.lr is -1", "greater than 0"]),
        ("generator.optimizer.lr=nan", ["generator.optimizer.lr", "finite"]),
        ("generator.network.family=cat", ["generator.network", "'cnn', 'eigen', 'mlp'"]),
        ("generator.network.family=cnn", ["generator.network", "make images of 32x32, not 2"]),
        ("objective.hinge.weight=1", ["vanilla and hinge", "exactly one"]),
        ("objective.vanilla=", ["exactly one", "there is none"]),
        ("prior.z_dim=", ["prior.z_dim is missing", "--set prior.z_dim=VALUE"]),
        ("data.flip=true", ["data.flip", "points have no mirror image"]),
        ("steps", ["--set 'steps'", "path.to.field=value"]),
        ("schedule=3", ["schedule is 3, and must be "]),
        ("schedule.lr_decay_start=9000", ["schedule.lr_decay_start", "less than"]),
    ],
)
def test_bad_overrides(override: str, expected: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_preset("gan", "ring8", overrides=[override])
    for part in expected:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name = ", "is not a preset in TOML"),
        ("name = 3", "name"),
        ('name = "a"\nsummary = ""\npaper = ""\ndatasets = []\nvariants.x = 3', "variants.x"),
        ('name = "a"\nsummary = ""\npaper = ""\ndatasets = []\nvariants.x.on = 3', "variants.x.on"),
        ("\xff", "is not a preset in TOML and UTF-8: "),
    ],
)
def test_bad_preset_files(content: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=expected):
        load_preset(str(file))


def test_a_grid_is_square() -> None:
    with pytest.raises(UsageError, match="must be a square number for a grid"):
        load_preset("gan", "grid25", overrides=["data.modes=7"])


def test_a_resolved_file_keeps_its_data_set(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(to_toml(load_preset("gan", "ring8")))
    with pytest.raises(UsageError, match="leave --dataset out"):
        load_preset(str(file), "mnist")
    with pytest.raises(UsageError, match="leave --variant out"):
        load_preset(str(file), None, "paper")
    assert load_preset(str(file), "ring8").dataset == "ring8"


def test_a_model_file_may_be_copied_and_changed(tmp_path: Path) -> None:
    source = catalog.preset_folder() / "wgan-gp.toml"
    file = tmp_path / "mine.toml"
    file.write_text(source.read_text().replace('name = "wgan-gp"', 'name = "mine"'))
    assert load_preset(str(file), "ring8").name == "mine"
    file.write_text(file.read_text() + "\n[data]\nnoise = 0.01\n")
    assert load_preset(str(file), "cifar10").data.noise == 0.01


def test_listing(gan: Gan) -> None:
    code, out, _ = gan("presets")
    assert code == 0
    groups = {
        "points": ["ring8", "grid25", "ring8-veegan", "grid25-veegan"],
        "mnist*": ["mnist", "fashion-mnist", "kmnist", "emnist"],
        "cifar10*": ["cifar10", "cifar100", "svhn"],
    }
    for model in catalog.model_names():
        file = catalog.preset_file(model)
        row = next(line for line in out.splitlines() if line.startswith(f"{model} "))
        assert file.idea in row
        words = row.split(file.idea)[1].replace(",", "").split()
        named = [name for word in words for name in groups.get(word, [word])]
        assert sorted(named) == sorted(file.datasets)
    assert len(out.splitlines()) == len(catalog.model_names()) + 6


def test_the_listing_fits_a_small_terminal(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert len(gan("presets")[1].splitlines()) <= 40


def test_a_model_is_described(gan: Gan) -> None:
    for words in (("presets", "dcgan"), ("presets", "about", "dcgan")):
        code, out, _ = gan(*words)
        assert code == 0
        assert "cifar10: reference, paper, lite; published: FID 24.73, IS 7.03 (xyfJASON" in out
        assert "gan train dcgan --dataset cifar10\n" in out
    code, _, err = gan("presets", "dcgam")
    assert (code, "did you mean dcgan?" in err) == (2, True)


def test_show_prints_what_trains(gan: Gan) -> None:
    code, out, _ = gan("presets", "show", "gan", "--dataset", "ring8", "--set", "prior.z_dim=7")
    assert code == 0
    assert tomllib.loads(out)["prior"]["z_dim"] == 7
    assert "# paper: 1" in out


def test_dry_run_shows_the_step(gan: Gan) -> None:
    code, out, _ = gan("train", "wgan-gp", "--dataset", "cifar10", "--dry-run", "--full")
    assert code == 0
    for part in (
        "mean f - mean r",
        "one a ~ U(0,1) per batch",
        "12,141,827 parameters",
        "ConvTranspose2d(100, 1024",
        "1024x4x4",
        "paper: none",
        "batch_size = 512",
    ):
        assert part in out
    code, out, _ = gan("train", "wgan", "--dataset", "ring8", "--dry-run")
    assert "clip D's parameters to [-0.01, 0.01] after its turn" in out


def test_dry_run_is_short(gan: Gan) -> None:
    """Losses, sizes and what differs from the paper; all layers and fields are a command away."""
    for model, dataset in (("wgan-gp", "cifar10"), ("eigengan", "ffhq"), ("gan", "ring8")):
        code, out, _ = gan("train", model, "--dataset", dataset, "--dry-run", "--set", "lr=2e-3")
        assert code == 0
        assert len(out.splitlines()) <= 40
        assert "generator.optimizer.lr: 0.002; paper: " in out
        assert f"gan train {model} --dataset {dataset} --set lr=2e-3 --dry-run --full" in out
        assert "parameters; adam lr=0.002" in out
    assert "vanilla: " in out
    assert gan("train", "gan", "--dataset", "ring8", "--full")[0] == 2


def test_what_an_override_leaves_without_effect_goes_with_it() -> None:
    """Fields that the preset sets and that then do nothing; those that are typed are refused."""
    tiny = ("dcgan", "mnist", "tiny")
    plain = ["discriminator.network.spectral=false"]
    before = load_preset(*tiny).discriminator.network.model_dump()
    assert before["power_iteration"] == "v_first"
    for preset in (load_preset(*tiny, plain), change(load_preset(*tiny), plain)):
        network = preset.discriminator.network.model_dump()
        assert (network["spectral"], network["power_iteration"]) == (False, "persistent")
    with pytest.raises(UsageError, match="power_iteration changes nothing"):
        load_preset(*tiny, [*plain, "discriminator.network.power_iteration=frozen"])
