"""The laboratory's engine: it follows `gan train`, and its parts are what Python's are."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import opened
from lab_pages import SIZE, asked, literal, tables
from lab_recording import Recording, record
from make_kernel import assembled

from gancli import catalog
from gancli.evaluation.mode_coverage import mode_coverage
from gancli.lab.choices import point_presets
from gancli.lab.engine_parts import (
    CONSTRAINT_NAMES,
    OPTIMIZER_KINDS,
    START_NAMES,
    TERM_NAMES,
    TUNABLE,
    lacking,
)
from gancli.lab.page import KERNEL_FILE, LabChoice, lab_page
from gancli.objective.turn_settings import SIDES
from gancli.preset import Preset, load_preset, spec_named
from gancli.types import Sample

STEPS = 50
"""That the engine has to follow."""
CLOSE = 1e-4
"""How far apart losses may lie; they lie a millionth of a millionth apart."""
MODELS = ("gan", "gan-r1", "wgan", "wgan-gp", "sngan", "lsgan", "veegan", "r3gan", "ragan-hinge")
QUICK = ("gan-r1", "wgan-gp", "veegan")
"""Those whose losses are compared by default: a penalty of each kind, and three networks."""
RUN = """
  const lab = new Lab(recording.settings, { start: recording.start, draws: recording.draws });
  const answer = recording.draws.map(() => lab.step());
"""


def followed(recording: Recording, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(folder, recording.script() + RUN)
    return found


def furthest(rows: list[dict[str, Any]], recording: Recording) -> float:
    """How far losses lie apart at most; all have the same names."""
    assert len(rows) == len(recording.rows)
    apart = 0.0
    for ours, theirs in zip(rows, recording.rows, strict=True):
        names = {name for name in theirs if name.startswith("loss_")}
        assert names == set(ours["losses"])
        apart = max(apart, *(abs(ours["losses"][name] - theirs[name]) for name in names))
    return apart


@pytest.mark.parametrize(
    "model",
    [pytest.param(model, marks=[] if model in QUICK else [pytest.mark.slow]) for model in MODELS],
)
def test_the_first_losses_are_those_of_gan_train(model: str, tmp_path: Path) -> None:
    recording = record(model, STEPS, tmp_path / "run")
    rows = followed(recording, tmp_path)
    assert len(rows) == STEPS
    assert furthest(rows, recording) < CLOSE
    assert len({row["losses"]["loss_generator"] for row in rows}) > STEPS // 2, "nothing moves"


CHANGES = {
    "a mixing number for each sample": ("wgan-gp", "objective.gradient_penalty.per_sample=true"),
    "penalty across batch norm": ("gan-r1", "discriminator.network.norm=batch"),
    "spectral norm as in the paper": ("sngan", "discriminator.network.power_iteration=v_first"),
    "penalty under spectral norm": ("sngan", "objective.r1.weight=1"),
    "penalty now and then": ("gan-r1", "objective.r1.every=3"),
    "clipping before the turn": ("wgan", "objective.weight_clip.when=before"),
    "smoothed labels": ("gan", "objective.vanilla.real_target=0.9"),
    "saturating": ("gan", "objective.vanilla.saturating=true"),
    "generator first": ("gan", 'turns.order=["generator", "discriminator"]'),
    "other depth": ("gan", "generator.network.multipliers=[1, 2]"),
    "falling rates": ("gan", "schedule.lr_decay_start=2"),
    "half sums of guesses": ("veegan", "objective.latent_reconstruction.averaged=false"),
    "a uniform prior": ("gan", "prior.distribution=uniform"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_presets_are_followed_too(name: str, tmp_path: Path) -> None:
    model, change = CHANGES[name]
    recording = record(model, 8, tmp_path / "run", change)
    assert furthest(followed(recording, tmp_path), recording) < 1e-9


def test_measures_are_those_that_are_logged(tmp_path: Path) -> None:
    for model in ("wgan", "sngan", "veegan"):
        recording = record(model, 4, tmp_path / model)
        for ours, theirs in zip(followed(recording, tmp_path), recording.rows, strict=True):
            for player, measures in ours["measures"].items():
                for name, value in measures.items():
                    side = "discriminator" if player == "discriminator" else "generator"
                    logged = theirs.get(
                        f"{side}.health.{name}", theirs.get(f"{side}.health.{player}_{name}")
                    )
                    assert logged == pytest.approx(value, abs=1e-7), (model, player, name)


def test_loops_give_what_the_kernel_gives(tmp_path: Path) -> None:
    """A browser without WebAssembly trains the same, but slowly."""
    recording = record("wgan-gp", 3, tmp_path / "run")
    without = recording.script() + "Lab.inner.kernelUse.allowed = false;" + RUN
    rows = asked(tmp_path, without)
    assert furthest(rows, recording) < 1e-12


def test_memory_grows_within_a_turn(tmp_path: Path) -> None:
    """A large net's turn needs more than there is at first; its numbers stay what they are."""
    grown, first, second = asked(
        tmp_path,
        """
        const losses = (allowed) => {
          Lab.inner.kernelUse.allowed = allowed;
          const settings = Lab.settingsFor("veegan", "ring8");
          Object.assign(settings.schedule, { batch_size: 400, discriminator_steps: 1 });
          for (const spec of Object.values(settings.players)) spec.width = 96;
          const lab = new Lab(settings);
          return [lab.step().losses, lab.store.memory?.buffer.byteLength];
        };
        const [first, grown] = losses(true);
        const answer = [grown, first, losses(false)[0]];
        """,
    )
    assert grown > 16 * 2**20
    assert first == pytest.approx(second, abs=1e-12)


def test_products_of_any_shape(tmp_path: Path) -> None:
    """What lacks of a tile of four by four is not read, and not written over."""
    sizes = product((1, 3, 4, 9), (1, 2, 7), (1, 2, 4, 5))
    shapes = [[*size, p, q] for size in sizes for p in (False, True) for q in (False, True)]
    apart = asked(
        tmp_path,
        f"""
        const {{ multiply, constant }} = Lab.inner;
        const at = (t, turned, i, j) => t.data[turned ? j * t.cols + i : i * t.cols + j];
        const plain = (a, b, m, k, n, p, q) => Array.from({{ length: m * n }}, (_, at_) => {{
          const [i, j] = [Math.floor(at_ / n), at_ % n];
          let sum = 0;
          for (let l = 0; l < k; l += 1) sum += at(a, p, i, l) * at(b, q, l, j);
          return sum;
        }});
        let answer = 0;
        within(makeStore(), () => {{
          for (const [m, k, n, p, q] of {literal(shapes)}) {{
            const draw = new Stream(m * 100 + k * 10 + n, "shape");
            const made = (rows, cols) => constant(rows, cols, normal(draw, rows * cols));
            const a = p ? made(k, m) : made(m, k);
            const b = q ? made(n, k) : made(k, n);
            const before = [...a.data, ...b.data];
            const found = multiply(a, b, p, q);
            const wanted = plain(a, b, m, k, n, p, q);
            wanted.forEach((x, i) => {{ answer = Math.max(answer, Math.abs(x - found.data[i])); }});
            [...a.data, ...b.data].forEach((x, i) => {{ if (x !== before[i]) answer = Infinity; }});
          }}
        }});
        """,
    )
    assert apart < 1e-12


DIFFERENCES = """
  const inner = Lab.inner;
  const { constant, leaf, total, mean, times, squared, remember: keep } = inner;
  const draw = new Stream(3, "differences");
  const some = (rows, cols, shift = 0) =>
    constant(rows, cols, normal(draw, rows * cols).map((x) => x + shift));
  const apart = (x, of) => {
    const [found] = gradients(of(x), [x]);
    let worst = 0;
    for (let i = 0; i < x.size; i += 1) {
      const [kept, step] = [x.data[i], 1e-5];
      x.data[i] = kept + step;
      const above = of(x).number;
      x.data[i] = kept - step;
      const below = of(x).number;
      x.data[i] = kept;
      const slope = (above - below) / (2 * step);
      worst = Math.max(worst, Math.abs(slope - found.data[i]) / (1 + Math.abs(slope)));
    }
    return worst;
  };
"""


def test_gradients_of_gradients_are_differences_of_gradients(tmp_path: Path) -> None:
    """Of each operation: the slope of its value, and that of the square of its gradient."""
    found = asked(
        tmp_path,
        DIFFERENCES
        + """
        const answer = {};
        within(makeStore(), () => {
          const [row, column] = [some(1, 3, 2), some(4, 1, 2)];
          const [weight, bias] = [some(5, 3), some(1, 5)];
          const operations = {
            linear: (x) => inner.linear(x, weight, bias),
            row: (x) => inner.add(inner.times(x, row), inner.subtract(row, x)),
            column: (x) => inner.divide(inner.times(x, column), inner.scaled(squared(x), 1, 1)),
            root: (x) => inner.root(inner.scaled(squared(x), 1, 1)),
            tanh: inner.tanh, sigmoid: inner.sigmoid, softplus: inner.softplus,
            squared, leaky: (x) => squared(inner.leaky(x, 0.2)),
            sums: (x) => inner.times(inner.summedTo(x, 1, 3), inner.summedTo(x, 4, 1)),
            product: (x) => inner.multiply(x, x, true),
            turned: (x) => inner.multiply(x, x, false, true),
            joined: (x) => inner.multiply(inner.joined(x, x), inner.joined(x, x), true),
            columns: (x) => inner.times(inner.columns(x, 1, 2), inner.columns(x, 0, 2)),
          };
          for (const [name, rule] of Object.entries(operations)) {
            const x = leaf(some(4, 3));
            const value = (y) => total(squared(rule(y)));
            const slope = (y) => {
              const [g] = gradients(value(y), [y], true);
              return total(squared(g));
            };
            answer[name] = [apart(x, value), apart(x, slope)];
          }
        });
        """,
    )
    assert len(found) == 14
    for name, (first, second) in found.items():
        assert first < 1e-6, name
        assert second < 1e-5, name


def test_penalties_have_the_slopes_that_differences_have(tmp_path: Path) -> None:
    """In every weight of a discriminator with batch norm or spectral norm, through its gradient."""
    found = asked(
        tmp_path,
        DIFFERENCES
        + """
        const answer = {};
        within(makeStore(), () => {
          for (const own of [{}, { norm: "batch" }, { spectral: true }]) {
            const spec = { inputs: 2, outputs: 1, width: 4, multipliers: [1, 1], slope: 0.2,
              norm: "none", first_norm: false, spectral: false, power_iteration: "persistent",
              init: "default", gain: 1, norm_start: "spread", output: "linear", ...own };
            const net = new Network(spec, new Stream(5, "net"));
            const points = some(6, 2);
            // Without training spectral norm's vectors stay; batch norm needs it.
            const training = spec.norm === "batch";
            const penalty = () => {
              const x = leaf(points);
              const [slope] = gradients(total(net.judge(x, training)), [x], true);
              return mean(squared(slope));
            };
            for (const [name, tensor] of Object.entries(net.parameters)) {
              tensor.wants = true;
              if (gradients(penalty(), [tensor])[0] === null) continue;
              answer[JSON.stringify(own) + name] = apart(tensor, penalty);
              tensor.wants = false;
            }
          }
        });
        """,
    )
    assert len(found) > 9
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize("order", ["persistent", "v_first"])
def test_spectral_norm_divides_as_pythons_does(order: str, tmp_path: Path) -> None:
    preset = load_preset(
        "sngan", "ring8", overrides=[
            "discriminator.network.width=6", f"discriminator.network.power_iteration={order}",
        ]
    )  # fmt: skip
    torch.manual_seed(7)
    net = preset.discriminator.network.build(
        preset.data.shape, twice=False, z_dim=0, heads={}
    ).double()
    points = torch.randn(5, 2, dtype=torch.float64)
    for vector in net.buffers():
        # Vectors that are no longer near the singular ones, so that an iteration moves them far.
        vector.copy_(torch.nn.functional.normalize(torch.ones_like(vector), dim=0))
    state = {name: each.flatten().tolist() for name, each in net.state_dict().items()}
    outputs = []
    for training in (True, True, False):
        net.train(training)
        outputs.append(net(Sample(points)).logit.tolist())
    found = asked(
        tmp_path,
        f"""
        const settings = Lab.settingsFor("sngan", "ring8").players.discriminator;
        const spec = {{ ...settings, width: 6, inputs: 2, outputs: 1, power_iteration: "{order}" }};
        const [state, points] = {literal([state, points.tolist()])};
        const answer = within(makeStore(), () => {{
          const net = new Network(spec, new Stream(0, "net"));
          for (const [name, tensor] of Object.entries(net.tensors())) tensor.set(state[name]);
          const x = Lab.inner.constant(5, 2, points.flat());
          return [true, true, false].map((training) => [...net.judge(x, training).data]);
        }});
        """,
    )
    assert np.allclose(found, outputs, atol=1e-12)
    assert not np.allclose(outputs[0], outputs[1], rtol=1e-3)


def test_going_back_repeats_what_was(tmp_path: Path) -> None:
    """A snapshot, more steps, and back: weights, samples, losses and counts are as they were."""
    found = asked(
        tmp_path,
        """
        const answer = Lab.models.map(({ name }) => {
          const settings = Lab.settingsFor(name, "ring8");
          Object.assign(settings.schedule, { batch_size: 16, ema_decay: 0.9, log_every: 2 });
          for (const spec of Object.values(settings.players)) spec.width = 8;
          const lab = new Lab(settings, { seed: 3 });
          const go = (count) => Array.from({ length: count }, () => lab.step());
          go(3);
          const kept = lab.snapshot();
          const before = [...lab.samples(20)];
          const ahead = [go(4), [...lab.samples(20)], lab.verdict()];
          lab.restore(kept);
          const back = [...lab.samples(20)];
          const again = [go(4), [...lab.samples(20)], lab.verdict()];
          return [name, String(before) === String(back), String(before) === String(ahead[1]),
            JSON.stringify(ahead) === JSON.stringify(again), lab.stepCount];
        });
        """,
    )
    assert found == [[name, True, False, True, 7] for name in point_presets()]


def test_two_models_have_the_same_draws(tmp_path: Path) -> None:
    """Noise, reals and their order hang on the seed alone; so do the samples' latents."""
    found = asked(
        tmp_path,
        """
        const drawn = (model, seed, extra = {}) => {
          const lab = new Lab({ ...Lab.settingsFor(model, "ring8"), ...extra }, { seed });
          return within(lab.store, () => [
            [...lab.draws.noise(8, 3, 1).data], [...lab.draws.real(40).data],
            [...lab.draws.uniform("mix", 4, 3, 1).data]].map(String));
        };
        const first = drawn("gan", 5);
        const answer = [String(first) === String(drawn("veegan", 5)),
          String(first) === String(drawn("gan", 6)),
          new Set(first).size];
        """,
    )
    assert found == [True, False, 3]


def test_draws_are_as_they_should_be(tmp_path: Path) -> None:
    """Moments of noise and numbers; an epoch deals each point once; points lie at their modes."""
    found = asked(
        tmp_path,
        """
        const settings = Lab.settingsFor("gan", "ring8");
        const lab = new Lab(settings, { seed: 1 });
        const answer = within(lab.store, () => {
          const normal = [...lab.draws.noise(2000, 1, 1).data];
          const uniform = [...lab.draws.uniform("x", 50000, 1, 1).data];
          const dealt = Array.from({ length: 12 }, (_, i) => [...lab.draws.real(i).data]).flat();
          return { normal, uniform, dealt, reals: [...lab.reals], modes: lab.modes(lab.reals) };
        });
        """,
    )
    normal, uniform = np.array(found["normal"]), np.array(found["uniform"])
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert abs((normal**4).mean() - 3) < 0.15
    assert abs(np.corrcoef(normal[::2], normal[1::2])[0, 1]) < 0.02
    assert abs(uniform.mean() - 0.5) < 0.005 and uniform.min() >= 0 and uniform.max() < 1
    dealt = {tuple(pair) for pair in np.array(found["dealt"]).reshape(-1, 2).tolist()}
    reals = np.array(found["reals"]).reshape(-1, 2)
    assert len(dealt) == 12 * 256 and dealt <= set(map(tuple, reals.tolist()))
    assert len(reals) == 3200 and found["modes"]["held"] == 8
    assert found["modes"]["highQuality"] == pytest.approx(0.989, abs=0.01)


@pytest.mark.parametrize("dataset", ["ring8", "grid25", "grid25-veegan"])
def test_modes_are_counted_as_pythons(dataset: str, tmp_path: Path) -> None:
    spec: Any = spec_named(dataset)
    rng = np.random.default_rng(2)
    centres = spec.centres()[: len(spec.centres()) // 2 + 1]
    points = np.concatenate([
        centres[rng.integers(len(centres), size=300)] + spec.std * rng.normal(size=(300, 2)),
        spec.extent * rng.normal(size=(100, 2)),
    ])  # fmt: skip
    wanted = mode_coverage(points, spec.centres(), spec.std)
    found = asked(
        tmp_path,
        f"""
        const lab = new Lab(Lab.settingsFor("gan", {literal(dataset)}));
        const points = Float64Array.from({literal((points / spec.scale).flatten().tolist())});
        const answer = [lab.modes(points), lab.centres];
        """,
    )
    modes, shown = found
    assert np.allclose(np.array(shown) * spec.scale, spec.centres(), atol=1e-9)
    assert (modes["captured"], modes["held"]) == (wanted.captured, wanted.held)
    assert modes["highQuality"] == pytest.approx(wanted.high_quality)


def test_the_field_is_the_logit_and_its_slope(tmp_path: Path) -> None:
    for model in ("gan", "sngan", "veegan"):
        found = asked(
            tmp_path,
            f"""
            const lab = new Lab(Lab.settingsFor("{model}", "ring8"), {{ seed: 2 }});
            for (let i = 0; i < 3; i += 1) lab.step();
            const before = JSON.stringify(lab.snapshot());
            const fine = lab.field(401, 1);
            const coarse = lab.field(17, 1);
            const answer = {{ fine: [...fine.logits], slopes: [...coarse.gradients],
              side: coarse.side, same: before === JSON.stringify(lab.snapshot()) }};
            """,
        )
        assert found["same"], "looking moves something"
        fine, side = np.array(found["fine"]).reshape(401, 401), found["side"]
        up, right = np.gradient(fine, 2 / 400)
        slopes = np.array(found["slopes"]).reshape(side, side, 2)
        places = np.linspace(0, 400, side).round().astype(int)
        inside = places[1:-1]
        for row, y in enumerate(inside, 1):
            for column, x in enumerate(inside, 1):
                wanted = [right[y, x], up[y, x]]
                # A kink of a leaky ReLU may lie between two points of the grid.
                assert np.allclose(slopes[row, column], wanted, atol=0.1 * np.abs(right).max())


def test_the_lab_has_the_presets_that_train_on_points() -> None:
    """Those whose data sets include ring8, all of them, and no other."""
    every = [m for m in catalog.model_names() if "ring8" in catalog.preset_file(m).datasets]
    assert list(point_presets()) == every
    assert set(MODELS) == set(every)
    assert [each["name"] for each in tables()["models"]] == every


@pytest.mark.parametrize(
    ("model", "dataset", "change", "said"),
    [
        ("dcgan", "cifar10", "schedule.steps=5", "images"),
        ("gan", "ring8", "turns.generator.fakes=kept", "share fakes"),
        ("gan", "ring8", "objective.logit_anchor.weight=1", "logit_anchor"),
        ("gan", "ring8", "objective.feature_matching.weight=1", "feature_matching"),
        ("gan", "ring8", "optimizer={kind='sgd', lr=0.1}", "generator.optimizer"),
        ("gan", "ring8", "schedule.partial_batches=true", "batches of several sizes"),
        ("gan", "ring8", "discriminator.network.init=orthogonal", "init"),
        ("gan", "ring8", "discriminator.frozen=1", "frozen"),
    ],
)
def test_what_the_engine_cannot_do_is_said(
    model: str, dataset: str, change: str, said: str
) -> None:
    preset = load_preset(model, dataset, overrides=[change])
    assert said in (lacking(preset) or "")


def test_one_table_says_what_the_engine_can_do(tmp_path: Path) -> None:
    found = asked(
        tmp_path,
        """
        const names = ["TERMS", "CONSTRAINTS", "OPTIMIZERS", "STARTS"];
        const answer = names.map((name) => Object.keys(Lab.inner[name]).sort());
        """,
    )
    known = [TERM_NAMES, CONSTRAINT_NAMES, OPTIMIZER_KINDS, START_NAMES]
    assert found == [sorted(names) for names in known]


def equations_of(preset: Preset) -> dict[str, list[str]]:
    """Python's own words of each term and constraint."""
    found: dict[str, list[str]] = {
        side: [term.equation(side) for term in preset.objective.terms_of(side).values()]
        for side in SIDES
    }
    found["held"] = [held.equation() for held in preset.objective.constraints().values()]
    return found


TUNED = {"bound": 0.25, "fake_target": -1.5, "real_target": 2.5, "generator_target": 0.75}


@pytest.mark.parametrize("is_tuned", [False, True], ids=["as they are", "changed"])
def test_equations_are_those_of_the_terms(is_tuned: bool, tmp_path: Path) -> None:
    """Each formula stands in its side's line; a number that the page changes is the new one."""
    tuned = TUNED if is_tuned else {}
    shown = asked(
        tmp_path,
        f"""
        const tuned = {literal(tuned)};
        const answer = Object.fromEntries(Lab.models.map(({{ name }}) => {{
          const settings = Lab.settingsFor(name, "ring8");
          const parts = [...settings.turns.flatMap((turn) => turn.terms), ...settings.constraints];
          for (const part of parts) {{
            for (const field of part.tunable) part[field] = tuned[field] ?? part[field];
          }}
          return [name, new Lab(settings).equations];
        }}));
        """,
    )
    for model, presets in point_presets().items():
        changes = [
            f"objective.{name}.{field}={tuned[field]}"
            for name in presets["ring8"].objective.parts
            for field in TUNABLE.get(name, ())
            if field in tuned
        ]
        wanted = equations_of(load_preset(model, "ring8", overrides=changes))
        for line in shown[model]:
            for equation in wanted[line["player"]]:
                formula = re.split(r", (?:one|every)", equation)[0].removeprefix("-")
                assert formula in line["text"], model
            held = wanted["held"] if line["player"] == "discriminator" else []
            assert line["constraints"] == held


def test_weights_stand_in_the_equations(tmp_path: Path) -> None:
    shown = asked(
        tmp_path,
        """
        const answer = ["gan-r1", "wgan-gp"].map((name) => {
          const settings = Lab.settingsFor(name, "ring8");
          settings.turns[0].terms[1].weight = 2.5;
          return new Lab(settings).equations[0].text;
        });
        """,
    )
    assert shown == [
        "1/2 [mean sp(f) + mean sp(-r)] + 2.5 (1/2 mean |grad_x D(x)|^2)",
        "mean f - mean r + 2.5 mean (|grad D(a x + (1 - a) G(z))| - 1)^2, one a ~ U(0,1) per batch",
    ]


def test_settings_that_the_page_changes_work(tmp_path: Path) -> None:
    """Width, depth, batch, latents, norms and points drawn by hand, fewer than a batch."""
    found = asked(
        tmp_path,
        """
        const answer = Lab.models.map(({ name }) => {
          const settings = Lab.settingsFor(name, "ring8");
          settings.data = { kind: "points", scale: 1,
            points: Array.from({ length: 20 }, (_, i) => [Math.cos(i), Math.sin(i) / 2]) };
          Object.assign(settings.schedule, { batch_size: 32, discriminator_steps: 2 });
          settings.prior.z_dim = 3;
          for (const spec of Object.values(settings.players)) {
            Object.assign(spec, { width: 12, multipliers: [1, 2], norm: "batch" });
          }
          const lab = new Lab(settings, { seed: 4 });
          const rows = Array.from({ length: 5 }, () => lab.step());
          const fine = rows.every(({ losses }) => Object.values(losses).every(Number.isFinite));
          return [fine, lab.modes(lab.samples(9)), lab.samples(9).length, lab.centres];
        });
        """,
    )
    assert found == [[True, None, 18, None]] * len(MODELS)


def test_the_kernel_is_its_source_assembled() -> None:
    pytest.importorskip("wasmtime", reason="pip install wasmtime")
    assert assembled() == KERNEL_FILE.read_bytes()


@pytest.mark.slow
def test_thirty_steps_a_second(tmp_path: Path) -> None:
    """At width 64, in double precision; the fastest step counts, because others use the cores."""
    page = tmp_path / "lab.html"
    page.write_text(lab_page(tables(), LabChoice("ring8", "gan")))
    with opened(page, SIZE) as tab:
        milliseconds = tab.tell(
            """(() => {
              const lab = new Lab(Lab.settingsFor("gan", "ring8"));
              const step = () => {
                const start = performance.now();
                lab.step();
                return performance.now() - start;
              };
              return Math.min(...Array.from({ length: 100 }, step));
            })()"""
        )
    assert 1000 / milliseconds > 30
