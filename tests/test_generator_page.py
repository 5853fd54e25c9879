"""`gan export --to html`: the page makes, in a browser, what `gan sample` makes."""

import json
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import SIDEWAYS, Tab, look_at, opened
from conftest import Gan
from helpers import Key, every_preset, preset_id
from test_export import trained
from torch import Tensor, nn

import gancli
from gancli.checkpoint import load
from gancli.preset import load_preset
from gancli.rng import SEED_LIMIT
from gancli.runs.find import find
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.sharing import generator_page as page_module
from gancli.sharing.card import card_of
from gancli.sharing.export import generator_graph
from gancli.sharing.exported import ExportedGenerator
from gancli.sharing.generator_page import known_operations, page_part
from gancli.sharing.tensor_program import PackedProgram, TensorProgram, traced
from gancli.zoo.entries import zoo_names

DESK, PHONE = (1280, 900), (390, 800)
SEEDS = range(8)
LARGE_SEEDS = [2**31, 2**40, 2**48 - 1]


def families() -> list[Key]:
    """A preset for each way in which a generator is built and fed."""
    found: dict[object, Key] = {}
    for key in every_preset():
        preset = load_preset(*key)
        network, prior = preset.generator.network, preset.prior
        fields = ("condition", "norm", "attention", "skip")
        settings = [getattr(network, name, None) for name in fields]
        parts = (bool(preset.classes), bool(prior.categories), bool(prior.codes), prior.levels)
        found.setdefault((network.family, *map(str, settings), parts, preset.data.key), key)
    return list(found.values())


def exported_page(gan: Gan, run: object) -> Path:
    code, _, err = gan("export", run, "--to", "html", "--out", "page.html", "--force")
    assert code == 0, err
    return Path("page.html")


def sampler_of(run: str | Run) -> Sampler:
    found = find(run) if isinstance(run, str) else run
    saved = load(found.checkpoint() if isinstance(found, Run) else found)
    return Sampler(saved.generator().float(), saved.header.preset)


def asked(page: Path, **questions: str) -> dict[str, Any]:
    """What expressions are in a page; nothing must be wrong with it."""
    told = ", ".join(f"{name}: {expression}" for name, expression in questions.items())
    said, console = look_at(page, DESK, f"const own = {{{told}}};")
    assert not console
    return said


def assert_same_samples(page: Path, sampler: Sampler) -> None:
    """For seeds, for seeds of a class, and within a truncation."""
    label = sampler.preset.classes - 1 if sampler.preset.classes else None
    said = asked(
        page,
        plain=f"ganPage.samples({[*SEEDS]})",
        chosen=f"ganPage.samples({[3, *LARGE_SEEDS]}, {json.dumps(label)}, 0.5)",
    )
    limited = Sampler(sampler.generator, sampler.preset, truncation=0.5)
    wanted = {"plain": sampler.all(SEEDS), "chosen": limited.all([3, *LARGE_SEEDS], label)}
    for name, samples in wanted.items():
        made = np.array(said[name]).reshape(samples.shape)
        off = np.abs(made - samples.astype(np.float64)).max()
        assert off <= (1 if sampler.preset.data.key == "images" else 1e-4), name


@pytest.mark.parametrize("key", families(), ids=preset_id)
def test_the_page_makes_the_samples_of_every_family(key: Key, tmp_path: Path, gan: Gan) -> None:
    run = trained(key, tmp_path / "run")
    assert_same_samples(exported_page(gan, run.folder), sampler_of(run))


@pytest.mark.parametrize("name", zoo_names())
def test_the_page_makes_the_samples_of_the_zoo(name: str, gan: Gan) -> None:
    page = exported_page(gan, f"zoo:{name}")
    assert_same_samples(page, sampler_of(f"zoo:{name}"))
    said = page.read_text()
    assert f"gancli {gancli.__version__}" in said and "data&#39;s licence" in said


PRIORS: dict[str, tuple[Key, list[str]]] = {
    "normal": (("gan", "ring8", "reference"), ["prior.scale=1.7"]),
    "uniform": (("gan", "mnist", "reference"), ["prior.distribution=uniform", "prior.low=0"]),
    "codes": (("infogan", "mnist", "reference"), ["prior.code_distribution=uniform"]),
    "levels": (("eigengan", "ffhq", "reference"), []),
    "truncated": (("cgan", "mnist", "lite"), ["prior.truncation=0.8"]),
}


@pytest.mark.parametrize("kind", PRIORS)
def test_any_seed_has_its_latent(kind: str, tmp_path: Path, gan: Gan) -> None:
    """To nine places, whatever the prior; the walk's points, too."""
    key, overrides = PRIORS[kind]
    run = trained(key, tmp_path / "run", *overrides)
    sampler = sampler_of(run)
    prior, seeds = sampler.preset.prior, [*range(201), *LARGE_SEEDS]
    label = 1 if sampler.preset.classes else None
    said = asked(
        exported_page(gan, run.folder),
        own=_latents(seeds, None, prior.truncation),
        classed=_latents(seeds[-9:], label, 1.3),
        ways=f"[0, 0.25, 0.9].map((share) => ganPage.between(ganPage.latent(4, null, 1.3), "
        f"ganPage.latent({2**40}, null, 1.3), share, 1.3))",
    )
    _assert_latents(said["own"], sampler.latent(seeds))
    limited = Sampler(sampler.generator, sampler.preset, truncation=1.3)
    _assert_latents(said["classed"], limited.latent(seeds[-9:], label))
    first, second = (limited.latent([seed]) for seed in (4, 2**40))
    for share, made in zip((0, 0.25, 0.9), said["ways"], strict=True):
        _assert_latents([made], prior.between(first, second, share, 1.3))


def _latents(seeds: Sequence[int], label: int | None, truncation: float | None) -> str:
    settings = f"{json.dumps(label)}, {json.dumps(truncation)}"
    return f"{[*seeds]}.map((seed) => ganPage.latent(seed, {settings}))"


def _assert_latents(made: list[dict[str, dict[str, float]]], wanted: Any) -> None:  # noqa: ANN401
    parts = {name: part for name, part in wanted._asdict().items() if part is not None}
    assert set(made[0]) == set(parts)
    for name, part in parts.items():
        rows = np.array([list(each[name].values()) for each in made])
        assert np.abs(rows - part.double().flatten(1 if part.dim() > 1 else 0).numpy().reshape(
            rows.shape)).max() <= 1e-9  # fmt: skip


class Everything(nn.Module):
    """All calls of images, and of rows, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def parts(self, images: Tensor, rows: Tensor) -> dict[str, Tensor]:
        inputs = {IMAGES: images, ROWS: rows}
        return {name: call(inputs[shape]) for name, (call, shape) in CALLS.items()}

    def forward(self, images: Tensor, rows: Tensor) -> Tensor:
        return torch.cat(
            [each.reshape(each.shape[0], -1) for each in self.parts(images, rows).values()], 1
        )


F = nn.functional
NAMES = ("images", "rows")
IMAGES, ROWS = SHAPES = (3, 4, 5, 6), (3, 4)


@cache
def weights(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, int(np.prod(shape))).sin().mul(3).reshape(shape)


CALLS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...]]] = {
    "grouped": (
        lambda x: F.conv2d(x, weights(6, 2, 3, 2), weights(6), 2, (1, 0), groups=2), IMAGES),
    "dilated": (lambda x: F.conv2d(x, weights(3, 4, 2, 3), None, 1, (2, 3), (3, 2)), IMAGES),
    "transposed": (
        lambda x: F.conv_transpose2d(x, weights(4, 3, 3, 4), weights(6), (2, 3), 1, (1, 0), 2),
        IMAGES,
    ),
    "normalised": (
        lambda x: F.batch_norm(x, weights(4), weights(4).abs() + 1, weights(4), None, False),
        IMAGES,
    ),
    "plainly normalised": (
        lambda x: F.batch_norm(x, weights(4), weights(4).abs() + 1, None, None, False),
        ROWS,
    ),
    "shares": (lambda x: torch.softmax(x * 30, 1), IMAGES),
    "enlarged": (lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), IMAGES),
    "enlarged to": (lambda x: F.interpolate(x, size=(7, 9), mode="nearest"), IMAGES),
    "linear": (lambda x: F.linear(x, weights(7, 4), weights(7)), ROWS),
    "product": (lambda x: x @ weights(4, 5), ROWS),
    "products": (lambda x: (x.flatten(2) @ x.flatten(2).transpose(1, 2)), IMAGES),
    "padded": (lambda x: F.pad(x, (1, 2, 0, 3), value=0.5), IMAGES),
    "largest": (lambda x: x.amax((1, -1)), IMAGES),
    "means": (lambda x: x.mean((2, 3), keepdim=True) + x.mean(-1).sum(1)[:, None, :, None], IMAGES),
    "pieces": (lambda x: torch.cat([x[:, 1:, ::2], x[:, :3, 2:]], 1), IMAGES),
    "turned": (lambda x: x.permute(0, 3, 1, 2).contiguous().view(x.shape[0], -1), IMAGES),
    "one of them": (lambda x: x.select(1, -2).unsqueeze(-1).expand(-1, -1, -1, 3), IMAGES),
    "apart": (lambda x: sum(x.unbind(1)), IMAGES),
    "activations": (
        lambda x: F.leaky_relu(x, 0.2) + F.relu(x - 0.5) + F.elu(x, 1.3) + torch.tanh(x), ROWS),
    "functions": (
        lambda x: torch.sigmoid(x) / x.abs().sqrt() - (-x).clamp(max=1).exp() * x.abs().rsqrt(),
        ROWS,
    ),
    "numbers": (lambda x: torch.sub(x, 2 * x, alpha=3).div(4).neg() + torch.ones(4), ROWS),
    "one-hot": (
        lambda x: F.one_hot((x[:, 0] * 0 + 2).long(), 4).float() * x, ROWS),
    "embedded": (
        lambda x: F.embedding((x[:, :2] * 0 + 1).long(), weights(3, 5)).flatten(1), ROWS),
    "squeezed": (lambda x: x[:, :1].squeeze(1), ROWS),
    "filled": (lambda x: torch.cat([x, x.new_ones(x.shape[0], 2)], 1), ROWS),
}  # fmt: skip
"""Every operation of the page, in settings that presets do not use, too."""


@cache
def everything() -> tuple[PackedProgram, dict[str, Tensor], dict[str, Tensor]]:
    """The calls as one program, its inputs, and what torch makes of each call."""
    source, net = torch.Generator().manual_seed(0), Everything().eval()
    inputs = {n: torch.randn(s, generator=source) for n, s in zip(NAMES, SHAPES, strict=True)}
    batch = torch.export.Dim("batch", min=1)
    shapes = {name: {0: batch} for name in NAMES}
    # Weights that are there before are constants of the graph.
    wanted = net.parts(**inputs)
    with torch.no_grad():
        graph = torch.export.export(net, tuple(inputs.values()), dynamic_shapes=shapes)
        return traced(graph, NAMES, halved=False), inputs, wanted


def test_each_operation_computes_what_torch_computes(tmp_path: Path) -> None:
    """Twice, because what depends on weights alone is kept."""
    packed, inputs, wanted = everything()
    script = (Path(page_module.__file__).parent / "templates/operations.js").read_text()
    values = {n: {"shape": [*x.shape], "data": x.flatten().tolist()} for n, x in inputs.items()}
    page = tmp_path / "operations.html"
    page.write_text(
        f"<!doctype html><body><p>operations</p><script>{script}\n"
        f"const program = new Program({packed.program.model_dump_json()}, '{packed.base64()}');"
        f"const inputs = {json.dumps(values)};"
        "for (const each of Object.values(inputs)) each.data = Float32Array.from(each.data);"
        "</script></body>"
    )
    said = asked(page, made="[1, 2].map(() => [...program.run(inputs).data])")
    sizes = [each[0].numel() for each in wanted.values()]
    for made in (*map(torch.tensor, said["made"]), packed.run(inputs)):
        pieces = torch.split(made.view(len(inputs["rows"]), -1), sizes, 1)
        for (name, one), piece in zip(wanted.items(), pieces, strict=True):
            torch.testing.assert_close(
                piece, one.reshape(len(one), -1), atol=1e-5, rtol=1e-5, msg=name
            )


def test_every_operation_that_the_page_lists_is_tried() -> None:
    tried = {each.name for each in everything()[0].program.operations}
    assert tried == set(known_operations())


def until(tab: Tab, expression: str, wanted: object) -> None:
    """Wait until an expression has a value, at most for ten seconds."""
    for _ in range(100):
        if tab.tell(expression) == wanted:
            return
        time.sleep(0.1)
    pytest.fail(f"{expression} is {tab.tell(expression)!r}, not {wanted!r}")


LABEL = "byId('picture').getAttribute('aria-label')"
PIXELS = "[...pen.getImageData(0, 0, canvas.width, canvas.height).data]"


def shown(tab: Tab) -> Any:  # noqa: ANN401
    """The picture: (H, W, 4)."""
    return np.array(tab.tell(PIXELS)).reshape(tab.tell("[canvas.height, canvas.width, 4]"))


def assert_shows(tab: Tab, images: Any, columns: int = 1) -> None:  # noqa: ANN401
    """The picture has these images of (N, H, W, 1), row by row."""
    count, height, width, _ = images.shape
    tiles = images.reshape(count // columns, columns, height, width).swapaxes(1, 2)
    wanted = tiles.reshape(count // columns * height, columns * width)
    picture = shown(tab)
    assert np.abs(picture[..., 0] - wanted.astype(int)).max() <= 1
    assert (picture[..., 3] == 255).all() and (picture[..., 0] == picture[..., 2]).all()


def test_the_picture_follows_what_is_chosen(gan: Gan) -> None:
    sampler = sampler_of("zoo:cgan-mnist")
    with opened(exported_page(gan, "zoo:cgan-mnist"), DESK) as tab:
        until(tab, LABEL, "Image of seed 0, class 0")
        assert_shows(tab, sampler.all([0]))
        tab.tell("byId('next').click()")
        until(tab, LABEL, "Image of seed 1, class 1")
        assert_shows(tab, sampler.all([1]))
        tab.tell("byId('label').value = 7; byId('label').dispatchEvent(new Event('change'))")
        until(tab, LABEL, "Image of seed 1, class 7")
        assert_shows(tab, sampler.all([1], 7))
        tab.tell("document.querySelector('[value=\"16\"]').click(); byId('next').click()")
        until(tab, LABEL, "Images of seeds 17 to 32, class 7")
        assert_shows(tab, sampler.all(range(17, 33), 7), 4)
        tab.tell("byId('truncation').focus()")
        tab.press("ArrowLeft")
        until(tab, "byId('said').textContent.includes('ms') && chosen.truncation", 3)
        assert not tab.complaints


@pytest.mark.parametrize("typed", ["-3", "1.5", "abc", "", "1e99", str(SEED_LIMIT)])
def test_what_is_no_seed_is_said_and_changes_nothing(typed: str, gan: Gan) -> None:
    with opened(exported_page(gan, "zoo:cgan-mnist"), DESK) as tab:
        until(tab, LABEL, "Image of seed 0, class 0")
        for text, wrong in (("3", False), (typed, True), (str(SEED_LIMIT - 1), False)):
            tab.tell("byId('seed').focus(); byId('seed').select()")
            tab.press("Backspace")
            tab.write(text)
            tab.press("Enter")
            until(tab, "byId('seed').getAttribute('aria-invalid')", str(wrong).lower())
            said = tab.tell("byId('seed-said').textContent")
            assert (f"a whole number from 0 to {SEED_LIMIT - 1}" in said.lower()) == wrong
            assert tab.tell("chosen.seed") == (3 if wrong else int(text))
        until(tab, LABEL, f"Image of seed {SEED_LIMIT - 1}, class 5")


def test_what_has_the_focus_is_not_below_the_picture_on_a_phone(gan: Gan) -> None:
    with opened(exported_page(gan, "zoo:cgan-mnist"), PHONE) as tab:
        until(tab, LABEL, "Image of seed 0, class 0")
        tab.tell("scrollTo(0, document.body.scrollHeight); byId('way').focus()")
        over = "document.querySelector('.picture').getBoundingClientRect().bottom"
        assert tab.tell(f"byId('way').getBoundingClientRect().top >= {over}")


def test_an_axis_moves_by_key_and_is_held_until_released(gan: Gan) -> None:
    sampler = sampler_of("zoo:infogan-mnist")
    with opened(exported_page(gan, "zoo:infogan-mnist"), DESK) as tab:
        until(tab, LABEL, "Image of seed 0")
        tab.tell("byId('axis-code-1').focus()")
        before = tab.tell("shownLatent(0).code[1]")
        tab.press("ArrowRight")
        until(tab, LABEL, "Image of seed 0, 1 axis held")
        moved = tab.tell("shownLatent(0).code[1]")
        assert moved > before
        tab.tell("byId('next').click()")
        until(tab, LABEL, "Image of seed 1, 1 axis held")
        latent = sampler.latent([1])
        assert latent.code is not None
        held = latent.code.clone()
        held[:, 1] = moved
        assert_shows(tab, sampler.of(latent._replace(code=held)))
        tab.tell("byId('axis-category-0').value = 4;"
                 "byId('axis-category-0').dispatchEvent(new Event('input'))")  # fmt: skip
        until(tab, LABEL, "Image of seed 1, 2 axes held")
        category = torch.tensor([4])
        assert_shows(tab, sampler.of(latent._replace(code=held, category=category)))
        tab.tell("byId('release').click()")
        until(tab, LABEL, "Image of seed 1")
        assert_shows(tab, sampler.all([1]))
        assert not tab.complaints


def test_a_walk_passes_along_the_sphere_and_can_be_stopped(gan: Gan) -> None:
    sampler = sampler_of("zoo:infogan-mnist")
    with opened(exported_page(gan, "zoo:infogan-mnist"), DESK) as tab:
        until(tab, LABEL, "Image of seed 0")
        assert tab.tell("byId('way').value") == "0, 1, 2, 3"
        tab.tell("byId('way').value = '5, 9'; byId('way').dispatchEvent(new Event('input'));"
                 "byId('place').value = 1.25; byId('place').dispatchEvent(new Event('input'))"
                 )  # fmt: skip
        until(tab, LABEL, "Walk along seeds 5, 9, at 1.25")
        first, second = (sampler.latent([seed]) for seed in (9, 5))
        assert_shows(tab, sampler.of(sampler.preset.prior.between(first, second, 0.25)))
        tab.tell("byId('play').click()")
        until(tab, "byId('play').textContent === 'pause' && chosen.walk.place !== 1.25", True)
        tab.tell("byId('play').click()")
        until(tab, "byId('play').textContent", "play")
        tab.tell("byId('way').value = '5, x'; byId('way').dispatchEvent(new Event('input'))")
        assert "whole numbers" in tab.tell("byId('way-said').textContent")
        tab.tell("byId('next').click()")
        until(tab, LABEL, "Image of seed 1")
        assert not tab.complaints


@pytest.mark.parametrize("name", ["cgan-mnist", "infogan-mnist", "gan-ring8"])
def test_a_page_fits_a_phone_and_fetches_nothing(name: str, gan: Gan) -> None:
    page = exported_page(gan, f"zoo:{name}")
    said, console = look_at(page, PHONE, SIDEWAYS)
    assert not console and said["width"] == PHONE[0] and said["overflow"] <= 0
    assert said["outside"] == [] and said["small"] >= 12
    text = re.sub(r'<script [^>]*id="weights">[^<]*', "", page.read_text())
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|import\(|@import|url\(", text)
    assert len(page.read_bytes()) < 20e6


def test_the_card_says_what_points_are_made_of(gan: Gan) -> None:
    assert "points of 2 numbers" in exported_page(gan, "zoo:gan-ring8").read_text()


def test_names_of_classes_are_text_alone(gan: Gan, tmp_path: Path) -> None:
    """Folders may be called anything, and none of it is markup."""
    run = trained(("cgan", "mnist", "lite"), tmp_path / "run")
    graph, inputs, card = parts_of_a_page(run)
    bad = "</script><img src=x onerror=alert(1)>"
    card = card.model_copy(update={"classes": (bad, *card.classes[1:])})
    page = tmp_path / "page.html"
    page.write_bytes(page_module.generator_page(graph, inputs, card))
    said = asked(page, name="byId('label').options[1].textContent")
    assert said["name"] == bad and said["images"] == 0


def parts_of_a_page(run: Run) -> tuple[Any, dict[str, Tensor], Any]:
    """The graph of a run's generator, inputs, and its card."""
    saved = load(run.checkpoint())
    sampler = sampler_of(run)
    inputs = {n: x for n, x in sampler.latent(SEEDS)._asdict().items() if x is not None}
    card = card_of(saved, sampler, [], raw=False)
    made = ExportedGenerator(sampler.generator, list(inputs), card.unit)
    return generator_graph(made, inputs), inputs, card


def test_what_does_not_fit_a_page_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    run = trained(("dcgan", "mnist", "reference"), tmp_path / "run")
    page = exported_page(gan, run.folder)
    assert "float32, without loss" in page.read_text()
    monkeypatch.setattr(page_module, "MAX_PAGE_BYTES", 1000)
    code, _, err = gan("export", run.folder, "--to", "html", "--out", "small.html")
    assert code == 2
    assert err.count("\n") == 1 and "MB" in err and "--to onnx" in err
    assert "--set generator.network." in err
    assert not Path("small.html").exists()


def test_weights_are_rounded_only_where_it_keeps_the_grey_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    run = trained(("dcgan", "mnist", "reference"), tmp_path / "run")
    whole = exported_page(gan, run.folder).read_text()
    monkeypatch.setattr(page_module, "MAX_PAGE_BYTES", len(whole) - 1)
    page = exported_page(gan, run.folder)
    assert "rounded to float16, which changes 8 images by" in page.read_text()
    program = TensorProgram.model_validate_json(page_part(page.read_text(), "program"))
    assert {each.type for each in program.weights} == {"float16"}
    assert_same_samples(page, sampler_of(run))
    monkeypatch.setattr(page_module, "MAX_ROUNDING_LEVELS", 0.0)
    code, _, err = gan("export", run.folder, "--to", "html", "--out", "small.html")
    assert code == 2 and "the page would be" in err


def test_unknown_operations_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    run = trained(("gan", "ring8", "reference"), tmp_path / "run")
    known = [name for name in known_operations() if name != "tanh"]
    monkeypatch.setattr(page_module, "known_operations", lambda: known)
    code, _, err = gan("export", run.folder, "--to", "html", "--out", "page.html")
    assert code == 2 and "cannot compute tanh" in err and "--to onnx" in err
