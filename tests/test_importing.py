"""Checkpoints of other programs: what is imported makes the images, and trains on, as there."""

import math
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import by_hand
import huggingface_hub
import pytest
import source_nets as source
import test_golden_sngan as koshian2
import test_golden_tiny as tiny
import torch
from conftest import Gan
from test_golden import RECORDED, SMALL_EIGEN, RecordedDraws, Recording, recording, repeat
from torch import Tensor, nn

from gancli.checkpoint import Checkpoint, load
from gancli.errors import NetworkError, RunError, UsageError
from gancli.hub import HubPath, Repository, downloaded
from gancli.importing.fit import PresetWords
from gancli.importing.import_run import Imported, RunPlace, import_run
from gancli.importing.read_files import read_source_files
from gancli.importing.recognise import LAYOUTS, recognise
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.objective.turn import Turn
from gancli.parallel import World
from gancli.preset import Preset, load_preset
from gancli.runs.folder import Run
from gancli.state import TrainState, build_state
from gancli.types import Latent, Players, Sample, WeightOptimizer
from gancli.user_images import ImageChoices

LETTERS = {"generator": "G", "discriminator": "D", "reconstructor": "R"}
CPU = torch.device("cpu")


def brought_in(
    path: Path,
    model: str,
    dataset: str,
    *changes: str,
    variant: str | None = None,
    place: RunPlace | None = None,
) -> Imported:
    words = PresetWords(model, dataset, variant, ImageChoices(), changes)
    return import_run(path, path.name, words, place or RunPlace())


def checkpoint_of(made: Imported) -> Checkpoint:
    return load(made.run.checkpoint())


def state_of(saved: Checkpoint) -> TrainState:
    header = saved.header
    state = build_state(header.preset, header.settings.seed, CPU, header.settings.dtype)
    state.restore(saved.tensors, header.step)
    return state


def loss_of(state: TrainState, turn: Turn, draws: RecordedDraws) -> float:
    losses = take(turn, state.players, state.optimizers, draws, world=World(), memory=state.memory)
    return float(torch.stack(list(losses.values())).sum())


def recorded_nets(recorded: Recording) -> dict[str, dict[str, Tensor]]:
    """The networks at the start, under the names of the program that was recorded."""
    nets: dict[str, dict[str, Tensor]] = {}
    for key, tensor in recorded.tensors.items():
        if key.startswith("init."):
            _, player, name = key.split(".", 2)
            nets.setdefault(player, {})[name] = tensor
    return nets


# --- networks that those programs themselves made, and the losses that they then recorded ---


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_networks_go_on_as_recorded(name: str, tmp_path: Path) -> None:
    """Widths, noise and heads are told by shapes; each loss is repeated to 1e-9."""
    recorded = recording(name)
    nets = {LETTERS[player]: net for player, net in recorded_nets(recorded).items()}
    torch.save(nets, tmp_path / "model.pt")
    model, _, dataset = name.rpartition("-")
    changes = ["data.size=32"] if dataset == "ffhq" else []
    saved = checkpoint_of(brought_in(tmp_path / "model.pt", model, dataset, *changes))
    preset, state = saved.header.preset, state_of(saved)
    assert preset.variant == "reference"
    assert "xyfJASON/GANs-Implementations" in str(preset.source)
    if dataset == "ffhq":
        wanted = load_preset(model, dataset, None, SMALL_EIGEN)
        assert (preset.generator.network, preset.prior) == (
            wanted.generator.network,
            wanted.prior,
        )
    turns = plan(preset.objective, state.players, 2, preset.turns) * 3

    def take_turn(index: int, steppers: list[str], dealer: RecordedDraws) -> float:
        assert list(turns[index].steppers) == steppers
        return loss_of(state, turns[index], dealer)

    repeat(recorded, take_turn)


@pytest.mark.parametrize("name", tiny.CASES)
def test_recorded_small_networks_go_on_as_recorded(name: str, tmp_path: Path) -> None:
    case, recorded = tiny.CASES[name], recording(name)
    for player, net in recorded_nets(recorded).items():
        torch.save(net, tmp_path / f"run-{player}_091.pth")
    changes = [field for field in case.fields if "judged_first" in field or "lr" in field]
    if case.variant == "tiny-thickness":
        saved = checkpoint_of(
            brought_in(tmp_path, case.model, "mnist", *changes, variant=case.variant)
        )
    else:
        saved = checkpoint_of(brought_in(tmp_path, case.model, "mnist", *changes))
    assert saved.header.preset.variant == case.variant
    assert (saved.header.step > 0) == name.startswith("tiny")
    preset, state = saved.header.preset, state_of(saved)
    turns = plan(preset.objective, state.players, 1, preset.turns)
    for index, row in enumerate(recorded.header["losses"]):
        draws = tiny.Digits(recorded, index, preset.data.black_and_white)
        loss = loss_of(state, turns[index % len(turns)], draws)
        assert loss == pytest.approx(row["loss"], rel=1e-9), index


ENTROPY = ["objective.hinge=", "objective.vanilla={}"]


@pytest.mark.parametrize("name", koshian2.RECORDED)
def test_recorded_residual_networks_and_cnns_go_on_as_recorded(name: str, tmp_path: Path) -> None:
    """Two files, of which one is named; spectral norm is that repository's."""
    recorded = recording(f"sngan-{name}")
    files = {"generator": "gen", "discriminator": "dis"}
    for player, net in recorded_nets(recorded).items():
        torch.save(net, tmp_path / f"{files[player]}_epoch_020.pytorch")
    wanted = koshian2.preset_of(name, recorded)
    data = wanted.data.model_dump(mode="json")
    classes = ", ".join(f'"{n}"' for n in data["classes"])
    table = f'data={{kind="images", path="x", size={data["size"]}, classes=[{classes}]}}'
    dataset, variant = koshian2.NARROWED[
        next(start for start in koshian2.NARROWED if name.startswith(start))
    ][:2]
    betas = f"optimizer.betas={recorded.header['adam'][0]['betas']}"
    changes = [
        *(["data.class_count="] if dataset == "animefaces" else []),
        *(
            ["objective.hinge=", "objective.vanilla={}"]
            if {"ce", "cond"} <= {*name.split("-")}
            else []
        ),
        *(table, betas),
    ]
    made = brought_in(
        tmp_path / "gen_epoch_020.pytorch",
        wanted.name,
        dataset,
        *changes,
        variant=variant,
        place=RunPlace(step=7),
    )
    saved = checkpoint_of(made)
    assert saved.header.step == 7
    preset, state = saved.header.preset, state_of(saved)
    first, second, _ = plan(preset.objective, state.players, 2, preset.turns)
    for index, row in enumerate(recorded.header["losses"]):
        turn = first if row["steps"] == ["generator"] else second
        draws = koshian2.SourceDraws(recorded, index, labelled=preset.classes > 0)
        loss = loss_of(state, turn, draws)
        assert loss == pytest.approx(row["loss"], rel=1e-9, abs=1e-9), index


# --- networks built plainly, trained by hand, saved as there, imported, trained on ---

WIDTH, NOISE, BATCH = 8, 6, 8


def source_players(preset: Preset) -> Players:
    """The networks of a preset, narrow, written out plainly with the source's names."""
    maker, judge, shape = preset.generator.network, preset.discriminator.network, preset.data.shape
    size, prior = math.prod(shape.x), preset.prior
    normed = [getattr(each, "norm", "none") == "batch" for each in (maker, judge)]
    made: list[nn.Module]
    if maker.family == "mlp":
        noise = NOISE if preset.reconstructor else 0
        inner = [False, normed[1], normed[1]]
        judging = source.Mlp(size + noise, 1, WIDTH, inner, sn=judge.spectral)  # type: ignore[attr-defined]
        made = [
            source.Maker(source.Mlp(NOISE, size, WIDTH, [normed[0]] * 3), shape.x),
            source.Judge(judging, judges_noise=noise > 0),
        ]
        if preset.reconstructor:
            made.append(source.Mlp(size, NOISE, WIDTH, inner))
    else:
        joined, own = (shape.classes if maker.condition == c else 0 for c in ("concat", "norm"))  # type: ignore[attr-defined]
        planes = shape.classes if judge.condition == "concat" else 0  # type: ignore[attr-defined]
        names = {head: name for name, head in source.HEADS.items()}
        heads = {names[head]: count for head, count in preset.heads.items()} or None
        inputs = NOISE + joined + prior.categories + prior.codes
        channels = shape.x[0]
        made = [
            source.Maker(
                source.ImageMaker(inputs, WIDTH, norm=normed[0], classes=own, channels=channels),
                classes=joined,
            ),
            source.Judge(
                source.ImageJudge(
                    WIDTH,
                    norm=normed[1],
                    inputs=channels + planes,
                    heads=heads,
                    sn=judge.spectral,  # type: ignore[attr-defined]
                ),
                planes,
            ),
        ]
    return Players(*(net.double() for net in made))  # type: ignore[arg-type]


def drawn(preset: Preset, turns: int) -> dict[str, Tensor]:
    """Draws of this many turns, as recordings have them."""
    found: dict[str, Tensor] = {}
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for n in range(turns):
        top = f"turn{n:02d}."
        found[f"{top}real"] = normal(BATCH, *preset.data.shape.x).tanh()
        found[f"{top}z"], found[f"{top}noise"] = normal(BATCH, NOISE), normal(BATCH, NOISE)
        found[f"{top}alpha"] = torch.rand((), generator=generator, dtype=torch.float64)
        if preset.classes:
            found[f"{top}label"] = torch.randint(10, (BATCH,), generator=generator)
        if preset.prior.codes:
            found[f"{top}category"] = torch.randint(10, (BATCH,), generator=generator)
            found[f"{top}code"] = normal(BATCH, preset.prior.codes)
    return found


def net_of(player: nn.Module) -> nn.Module:
    return player.net if isinstance(player, source.Maker | source.Judge) else player


def save_there(
    folder: Path, players: Players, optimizers: Mapping[str, WeightOptimizer], step: int
) -> Path:
    """As that repository saves: a folder of three files."""
    place = folder / "ckpt" / f"step{step - 1:06d}"
    place.mkdir(parents=True)
    named = players.named()
    nets = {LETTERS[p]: net_of(net).state_dict() for p, net in named.items()}
    torch.save(nets, place / "model.pt")
    states = {f"optimizer_{LETTERS[p]}": optimizers[p].state_dict() for p in named}
    torch.save(states, place / "optimizer.pt")
    torch.save({"step": step - 1, "best_fid": math.inf}, place / "meta.pt")
    return place


PLAIN = [
    ("gan", "ring8"), ("gan-r1", "ring8"), ("wgan", "ring8"), ("wgan-gp", "ring8"),
    ("lsgan", "mnist"), ("sngan", "ring8"), ("veegan", "ring8"), ("dcgan", "cifar10"),
    ("sngan-hinge", "cifar10"), ("cgan", "cifar10"), ("cgan-cbn", "cifar10"),
    ("acgan", "cifar10"), ("infogan", "mnist"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "dataset"), PLAIN)
def test_training_goes_on_as_if_it_had_never_moved(
    model: str, dataset: str, tmp_path: Path
) -> None:
    """Moments and buffers come along: further losses are the uninterrupted run's to 1e-9."""
    torch.manual_seed(0)
    preset = load_preset(model, dataset)
    players, recipe = source_players(preset), by_hand.recipe_of(model, dataset)
    optimizers = {
        name: spec.build_by_torch(players.named()[name].parameters(), fast=False)
        for name, spec in preset.optimizers().items()
    }
    ours = build_state(preset, 0, CPU).players
    steppers = [list(turn.steppers) for turn in plan(preset.objective, ours, 1, preset.turns)]
    rounds = 3
    draws = drawn(preset, 2 * rounds * len(steppers))

    def by_the_source(first: int, last: int) -> list[float]:
        return [
            by_hand.turn(
                recipe, steppers[n % len(steppers)], players, optimizers, RecordedDraws(draws, n)
            )
            for n in range(first, last)
        ]

    half = rounds * len(steppers)
    by_the_source(0, half)
    folder = save_there(tmp_path, players, optimizers, step=2000)
    uninterrupted = by_the_source(half, 2 * half)
    made = brought_in(folder, model, dataset)
    assert not made.remarks
    saved = checkpoint_of(made)
    assert saved.header.step == made.step == 2000
    assert saved.header.settings.precision == "fp64"
    state = state_of(saved)
    turns = plan(saved.header.preset.objective, state.players, 1, saved.header.preset.turns)
    going_on = [
        loss_of(state, turns[n % len(turns)], RecordedDraws(draws, n))
        for n in range(half, 2 * half)
    ]
    assert going_on == pytest.approx(uninterrupted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("model", "dataset"), PLAIN)
def test_images_are_those_of_the_source(model: str, dataset: str, tmp_path: Path) -> None:
    """Perceptrons' equal to the bit; those of convolutions, which add in another order, to 1e-6."""
    torch.manual_seed(0)
    preset = load_preset(model, dataset)
    players = source_players(preset)
    for net in players.named().values():
        net.float().train()
    settle(players.generator, preset)
    torch.save({LETTERS[p]: net_of(n).state_dict() for p, n in players.named().items()}, "model.pt")
    generator = checkpoint_of(brought_in(Path("model.pt"), model, dataset)).generator()
    latent = some_latent(preset)
    with torch.no_grad():
        theirs, found = players.generator.eval()(latent), generator(latent)
    if preset.generator.network.family == "mlp":
        assert torch.equal(theirs, found)
    assert float((theirs - found).abs().max()) <= 1e-6
    assert float(theirs.std()) > 1e-3


def some_latent(preset: Preset) -> Latent:
    draws = {key: t for key, t in drawn(preset, 1).items() if key.startswith("turn00.")}
    return RecordedDraws(draws, 0).latent().to(CPU, torch.float32)


def settle(generator: nn.Module, preset: Preset) -> None:
    """Let batch norms see some batches, so that their statistics are not those of the start."""
    with torch.no_grad():
        for _ in range(3):
            generator(some_latent(preset))


def test_the_moving_average_comes_along(tmp_path: Path) -> None:
    torch.manual_seed(0)
    preset = load_preset("gan", "ring8")
    players = source_players(preset)
    optimizers = {p: torch.optim.Adam(n.parameters()) for p, n in players.named().items()}
    folder = save_there(tmp_path, players, optimizers, step=10)
    shadow = [torch.randn_like(p) for p in net_of(players.generator).parameters()]
    torch.save({"ema_G": {"decay": 0.98, "shadow": shadow, "num_updates": 10}}, folder / "ema.pt")
    saved = checkpoint_of(brought_in(folder, "gan", "ring8"))
    assert saved.header.preset.schedule.ema_decay == 0.98
    for (_, found), wanted in zip(saved.generator().named_parameters(), shadow, strict=True):
        assert torch.equal(found, wanted)
    trained = net_of(players.generator).state_dict()
    for key, found in saved.generator(raw=True).state_dict().items():
        assert torch.equal(found, trained[key])


def test_rates_are_the_files_unless_others_are_typed(tmp_path: Path) -> None:
    players = source_players(load_preset("gan", "ring8"))
    optimizers: dict[str, WeightOptimizer] = {
        "generator": torch.optim.Adam(players.generator.parameters(), 7e-4, (0.3, 0.9)),
        "discriminator": torch.optim.RMSprop(players.discriminator.parameters(), 6e-5),
    }
    folder = save_there(tmp_path, players, optimizers, step=10)
    preset = brought_in(folder, "gan", "ring8", "generator.optimizer.lr=1e-5").preset
    maker, judge = preset.generator.optimizer, preset.discriminator.optimizer
    assert (maker.lr, maker.betas) == (1e-5, (0.3, 0.9))  # type: ignore[attr-defined]
    assert (judge.kind, judge.lr) == ("rmsprop", 6e-5)


# --- the other sources' networks, built plainly ---


def test_standard_cnns_of_koshian2(tmp_path: Path) -> None:
    torch.manual_seed(0)
    maker, judge = source.StandardMaker(NOISE, 4), source.StandardJudge(4)
    torch.save(maker.state_dict(), tmp_path / "gen_epoch_0320.pytorch")
    torch.save(judge.state_dict(), tmp_path / "dis_epoch_0320.pytorch")
    torch.save(judge.state_dict(), tmp_path / "dis_epoch_0300.pytorch")
    made = brought_in(tmp_path / "dis_epoch_0320.pytorch", "sngan-hinge", "cifar10")
    assert made.preset.variant == "standard-cnn"
    assert made.step == 50_397, "321 epochs, as its README counts updates"
    assert_same_players(made, maker.eval(), judge.eval())


def test_cnns_of_w86763777(tmp_path: Path) -> None:
    torch.manual_seed(0)
    maker, judge = source.GroupedMaker(NOISE, 4), source.GroupedJudge(4)
    file = save_grouped(tmp_path, maker, judge)
    made = brought_in(file, "sngan-hinge", "cifar10")
    network = made.preset.discriminator.network
    assert (network.family, network.layout) == ("sndcgan", "widen_last")  # type: ignore[attr-defined]
    assert made.step == 2, "as often as the generator's optimiser stepped"
    assert made.preset.generator.optimizer.lr == 2e-4, "before it fell"
    assert_same_players(made, maker.eval(), judge.eval())


def test_residual_networks_of_w86763777(tmp_path: Path) -> None:
    torch.manual_seed(0)
    maker, judge = source.ResidualMaker(NOISE, 4), source.ResidualJudge(4)
    file = save_grouped(tmp_path, maker, judge)
    made = brought_in(file, "sngan-projection", "cifar10", *UNLABELLED)
    assert_same_players(made, maker.eval(), judge.eval())
    assert_same_players(brought_in(file, "sngan-hinge", "cifar10"), maker, judge)


UNLABELLED = ("generator.network.condition=none", "discriminator.network.condition=none")


def save_grouped(folder: Path, maker: nn.Module, judge: nn.Module) -> Path:
    """With two steps of each optimiser, whose rates fall from step to step."""
    table: dict[str, Any] = {}
    for letter, net in {"G": maker, "D": judge}.items():
        optimizer = torch.optim.Adam(net.parameters(), 2e-4, (0.0, 0.9))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 100)
        for _ in range(2):
            inputs = torch.randn(4, NOISE) if letter == "G" else torch.randn(4, 3, 32, 32)
            net(inputs).square().mean().backward()
            optimizer.step()
            schedule.step()
        table |= {f"net_{letter}": net.state_dict(), f"optim_{letter}": optimizer.state_dict()}
        table[f"sched_{letter}"] = {"last_epoch": 2}
    torch.save(table, folder / "model.pt")
    return folder / "model.pt"


@pytest.mark.parametrize("norm", [False, True])
def test_perceptrons_of_victarry_from_lightning(norm: bool, tmp_path: Path) -> None:
    """Optimisers are told by the shapes that they remember, whatever their order."""
    torch.manual_seed(0)
    sizes, relu = [NOISE, 12, 12, 12, 784], torch.relu
    maker = source.NumberedMlp(sizes, norm=norm, judges=False, act=relu)
    judge = source.NumberedMlp([784, 12, 12, 12, 1], norm=norm, judges=True, act=nn.LeakyReLU(0.2))
    states = []
    for net, inputs in ((judge, torch.randn(8, 784)), (maker, torch.randn(8, NOISE))):
        optimizer = torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999))
        for _ in range(3):
            net(inputs).square().mean().backward()
            optimizer.step()
        states.append(optimizer.state_dict())
    named = {f"generator.{k}": t for k, t in maker.state_dict().items()}
    named |= {f"discriminator.{k}": t for k, t in judge.state_dict().items()}
    torch.save(
        {"state_dict": named, "optimizer_states": states, "epoch": 3, "global_step": 99},
        tmp_path / "last.ckpt",
    )
    made = brought_in(tmp_path / "last.ckpt", "gan", "mnist")
    assert (made.preset.variant, made.step) == ("grid-mlp", 3)
    assert_same_players(made, maker.eval(), judge.eval(), exactly=True)
    tensors = checkpoint_of(made).tensors
    moment = tensors["optimizer.generator.last_layer.2.weight.exp_avg"]
    numbers = [
        n for n, (key, _) in enumerate(maker.named_parameters()) if key == "model.3.fc.weight"
    ]
    assert torch.equal(moment, states[1]["state"][numbers[0]]["exp_avg"])


def test_small_networks_of_rebuildzoo(tmp_path: Path) -> None:
    torch.manual_seed(0)
    maker, judge = source.TinyMaker(16, 4), source.TinyJudge(4)
    torch.save(maker.state_dict(), tmp_path / "mnist-Generator_061.pth")
    torch.save(judge.state_dict(), tmp_path / "mnist-Discriminator_061.pth")
    made = brought_in(tmp_path, "dcgan", "mnist")
    assert (made.preset.variant, made.step) == ("tiny", 61 * 938)
    assert_same_players(made, maker.eval(), judge.eval())


def assert_same_players(
    made: Imported, maker: nn.Module, judge: nn.Module, *, exactly: bool = False
) -> None:
    state = state_of(checkpoint_of(made))
    shape, sizes = made.preset.data.shape, made.preset.prior
    z, x = torch.randn(5, sizes.z_dim), torch.rand(5, *shape.x)
    flat = maker(z[:1]).dim() == 2
    with torch.no_grad():
        theirs = torch.tanh(maker(z)).view(-1, *shape.x) if flat else maker(z)
        found = state.players.generator.eval()(Latent(z))
        said = judge(x.flatten(1) if flat else x).flatten()
        logit = state.players.discriminator.eval()(Sample(x)).logit
    assert torch.equal(theirs, found) or not exactly
    assert float((theirs - found).abs().max()) <= 1e-6
    assert said.tolist() == pytest.approx(logit.tolist(), rel=1e-4, abs=1e-6)


def test_networks_that_are_not_ours_are_refused_in_a_sentence(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = source.BilinearMaker(NOISE, 4)
    table = {"model_state_dict": net.state_dict(), "global_step": 100, "optimizer_state_dict": None}
    torch.save(table, tmp_path / "netG_100_steps.pth")
    with pytest.raises(RunError, match=r"kwotsin/mimicry.*bilinearly"):
        brought_in(tmp_path / "netG_100_steps.pth", "sngan", "cifar10")


# --- what is refused ---


class Poison:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (Path("poisoned"),)


@pytest.mark.parametrize("kept", ["alone", "among tensors"])
def test_a_poisoned_file_runs_nothing(kept: str, tmp_path: Path, gan: Gan) -> None:
    file = tmp_path / "model.pt"
    net = source.Mlp(2, 2, 4, [False] * 3).state_dict()
    torch.save(Poison() if kept == "alone" else {"G": net, "D": net, "x": Poison()}, file)
    code, _, said = gan("import", file, "--as", "gan", "--dataset", "ring8")
    assert code == 4
    assert "could run code, so it is not read" in said
    assert said.count("\n") == 1
    assert not Path("poisoned").exists()
    assert not Path("runs").exists()
    # It is poison: read as any program reads that trusts its files, it does make the file.
    torch.load(file, weights_only=False)
    assert Path("poisoned").exists()


def ring8_nets() -> dict[str, dict[str, Tensor]]:
    players = source_players(load_preset("gan", "ring8")).named()
    return {LETTERS[p]: {**net_of(net).state_dict()} for p, net in players.items()}


def refusal(nets: object, gan: Gan, *more: str) -> str:
    torch.save(nets, "model.pt")
    code, _, said = gan("import", "model.pt", "--as", "gan", "--dataset", "ring8", *more)
    assert code == 4
    assert said.count("\n") == 1
    assert not Path("runs").exists()
    return said


def test_the_first_tensor_that_does_not_fit_is_named(gan: Gan) -> None:
    nets = ring8_nets()
    nets["D"]["first_layer.weight"] = nets["D"]["first_layer.weight"][:, :1]
    assert "its discriminator's first_layer.weight is 8x1, and that model's is 8x2" in refusal(
        nets, gan
    )
    nets = ring8_nets()
    del nets["G"]["layers.1.2.bias"]
    assert "it holds no layers.1.2.bias of the generator" in refusal(nets, gan)
    nets = ring8_nets()
    nets["D"]["cls.0.weight"] = torch.zeros(2, 2)
    assert "cls.0.weight" in refusal(nets, gan)
    nets = ring8_nets()
    nets["D"]["beyond.weight"] = torch.zeros(2)
    assert "beyond.weight" in refusal(nets, gan)
    nets = ring8_nets()
    del nets["D"]
    assert "it holds no discriminator" in refusal(nets, gan)
    nets = ring8_nets()
    nets["R"] = nets["G"]
    assert "a reconstructor" in refusal(nets, gan)
    nets = ring8_nets()
    nets["G"]["first_layer.bias"][0] = math.nan
    assert "not finite" in refusal(nets, gan)
    typed = refusal(ring8_nets(), gan, "--set", "prior.z_dim=5")
    assert "its generator's first_layer.weight is 8x6, and that model's is 8x5" in typed


def test_files_that_are_no_checkpoints(gan: Gan) -> None:
    Path("model.pt").write_bytes(b"no such thing")
    code, _, said = gan("import", "model.pt", "--as", "gan", "--dataset", "ring8")
    assert (code, said.count("\n")) == (4, 1)
    assert "damaged, or not a file that torch wrote" in said
    code, _, said = gan("import", "modell.pt", "--as", "gan", "--dataset", "ring8")
    assert code == 4
    assert "did you mean model.pt?" in said
    Path("ckpt/step000009").mkdir(parents=True)
    shutil.copy("model.pt", "ckpt/step000009/model.pt")
    code, _, said = gan("import", "ckpt", "--as", "gan", "--dataset", "ring8")
    assert code == 4
    assert "name a folder in it, e.g. ckpt/step000009" in said
    torch.save([1, 2], "model.pt")
    assert (
        "no table of tensors" in gan("import", "model.pt", "--as", "gan", "--dataset", "ring8")[2]
    )


def test_an_optimiser_of_other_networks_is_refused(tmp_path: Path, gan: Gan) -> None:
    players = source_players(load_preset("gan", "ring8"))
    other = source.Mlp(2, 2, 4, [False] * 3)
    optimizers = {p: torch.optim.Adam(n.parameters()) for p, n in players.named().items()}
    other_one = torch.optim.Adam([*other.parameters()][:-1])
    folder = save_there(tmp_path, players, optimizers | {"generator": other_one}, step=10)
    code, _, said = gan("import", folder, "--as", "gan", "--dataset", "ring8")
    assert code == 4
    assert "is of 7 tensors, and the network has 8" in said


def test_every_source_has_its_page() -> None:
    page = (Path(__file__).parent.parent / "docs" / "importing.md").read_text()
    assert all(layout.source in page for layout in LAYOUTS)


# --- the run that is made is a run as any other ---


def test_it_samples_scores_and_trains_on(tmp_path: Path, gan: Gan) -> None:
    players = source_players(load_preset("gan", "ring8"))
    for net in players.named().values():
        net.float()
    optimizers = {p: torch.optim.Adam(n.parameters()) for p, n in players.named().items()}
    folder = save_there(tmp_path, players, optimizers, step=40)
    typed = ("--as", "gan", "--dataset", "ring8", "--set", "schedule.steps=44")
    code, out, said = gan("import", folder, *typed, "--set", "schedule.batch_size=8")
    assert code == 0, said
    assert "imported step000039, of xyfJASON/GANs-Implementations, as gan on ring8" in out
    assert "40 steps" in out
    run = Run(Path("runs/gan-ring8-001"))
    assert [*run.checkpoints()] == [40]
    assert "step000039" in run.preset_file.read_text()
    assert gan("sample", run.folder, "--count", 30)[0] == 0
    assert gan("evaluate", run.folder, "--modes")[0] == 0
    assert gan("status", run.folder)[0] == 0
    code, _, said = gan("resume", run.folder)
    assert code == 0, said
    assert max(run.checkpoints()) == 44
    last = load(run.checkpoint())
    assert last.header.data, "the data that it went on with"
    assert gan("import", folder, *typed, "--out", run.folder)[0] == 4
    assert gan("import", folder, *typed, "--out", run.folder, "--force")[0] == 0
    assert [*run.checkpoints()] == [40]


# --- from the hub ---


def test_a_folder_of_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gan: Gan) -> None:
    asked: list[object] = []

    def download(repository: str, allow_patterns: list[str], **_: object) -> str:
        asked.append((repository, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    (tmp_path / "ring8").mkdir()
    torch.save(ring8_nets(), tmp_path / "ring8" / "model.pt")
    code, _, said = gan("import", "hf:some/gans/ring8", "--as", "gan", "--dataset", "ring8")
    assert code == 0, said
    assert asked == [("some/gans", ["ring8", "ring8/*"])]
    preset = load_preset("runs/gan-ring8-001/preset.toml")
    assert "hf:some/gans/ring8" in str(preset.source)
    with pytest.raises(NetworkError, match="hf:some/gans has no other: look at"):
        downloaded("hf:some/gans/other", instead="x")


def test_without_a_connection_a_sentence_has_the_alternative(
    monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    def download(*_: object, **__: object) -> str:
        raise huggingface_hub.errors.LocalEntryNotFoundError("Name or service not known.")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    typed = ("--as", "gan", "--dataset", "ring8", "--set", "schedule.steps=9")
    code, _, said = gan("import", "hf:some/gans/ring8/model.pt", *typed)
    assert (code, said.count("\n")) == (5, 1)
    assert "Name or service not known" in said
    assert "https://huggingface.co/some/gans/tree/main/ring8/model.pt" in said
    assert "type gan import PATH --as gan --dataset ring8 --set schedule.steps=9" in said


def test_without_the_extra_a_sentence_has_the_pip_line(
    monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, _, said = gan("import", "hf:some/gans/x.pt", "--as", "gan", "--dataset", "ring8")
    assert (code, said.count("\n")) == (2, 1)
    assert "pip install 'gancli[hub]'" in said


@pytest.mark.parametrize("address", ["hf:", "hf:some", "hf:some/", "hf:/gans", "hf:a/b/../c"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="hf:OWNER/REPO/PATH"):
        HubPath.of(address)


def test_what_is_an_address() -> None:
    assert HubPath.of("hf:a/b/c/d.pt") == (Repository("a/b"), "c/d.pt")
    assert HubPath.of("hf:a/b@v2/c/d.pt") == (Repository("a/b", "v2"), "c/d.pt")
    assert HubPath.of("hf:a/b") == (Repository("a/b"), "")
    assert HubPath.of("hf:a/b/c/") == (Repository("a/b"), "c")


def test_the_sources_are_told_apart(tmp_path: Path) -> None:
    """Each source's names are known to it alone."""
    torch.manual_seed(0)
    nets = {
        "koshian2/SNGAN": (source.StandardMaker(6, 4), source.StandardJudge(4)),
        "RebuildZoo/GANseries": (source.TinyMaker(6, 4), source.TinyJudge(4)),
    }
    for name, (maker, judge) in nets.items():
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        torch.save(maker.state_dict(), folder / "a_1.pth")
        torch.save(judge.state_dict(), folder / "b_1.pth")
        known = recognise(read_source_files(folder))
        assert known.layout.source == name
        assert {*known.theirs} == {"generator", "discriminator"}
