"""The page's verdicts are those of the tool, on the same series."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_pages import asked, literal

from gancli.choices import VerdictName
from gancli.health.rules import finding_of
from gancli.health.signals import SampleRow, Signals, TurnRow

GOOD = {"accuracy": 0.75, "generator": 0.002, "discriminator": 0.001, "norm": 1.0, "loss": 1.2}
HELD = {"held": 1.0, "misfit": 0.2, "diversity": 0.95}


def signals(rows: list[dict[str, float]], modes: int = 8, *, has_boundary: bool = True) -> Signals:
    """A line, a look and a count every 100 steps; `rows` say what is not as it should be."""
    found = Signals(modes=modes, has_boundary=has_boundary, warm_up=500)
    for number, changes in enumerate(rows, 1):
        row, step = GOOD | HELD | changes, 100 * number
        updates = {player: row[player] for player in ("generator", "discriminator")}
        norms = dict.fromkeys(("generator", "discriminator"), row["norm"])
        found.turns.append(TurnRow(step, row["accuracy"], updates, norms, row["loss"]))
        found.looks.append(SampleRow(step, diversity=row["diversity"]))
        if modes:
            found.known.append(SampleRow(step, row["held"], row["misfit"]))
    return found


def falling(first: float, last: float, count: int = 20) -> list[dict[str, float]]:
    return [{"misfit": first + (last - first) * n / (count - 1)} for n in range(count)]


def cases() -> Iterator[tuple[str, Signals, VerdictName | None]]:
    name = VerdictName
    bad = {"misfit": 0.9, "held": 0.1}
    yield "too early", signals([{}] * 2), None
    yield "healthy", signals([{}] * 4), name.HEALTHY
    yield "leaps", signals([{}] * 4 + [{"generator": 0.3}] * 3), name.DIVERGING
    yield "leaps twice", signals([{}] * 4 + [{"generator": 0.3}] * 2), name.HEALTHY
    yield "moves far", signals([{"discriminator": 0.05}] * 4), name.HEALTHY
    yield "explodes", signals([{}] * 2 + [{"norm": 5e4}] * 4), name.DIVERGING
    yield "grows", signals([{}] * 8 + [{"loss": 4e3}] * 3), name.DIVERGING
    yield "was large", signals([{"loss": 4e3}] * 8), name.HEALTHY
    yield "dead", signals([{}] + [{"norm": 0.0}] * 5), name.DIVERGING
    still = {"generator": 1e-8, "discriminator": 1e-9}
    yield "still", signals([{}] * 5 + [still] * 3), name.PLATEAU
    yield "alike", signals([{}] * 6 + [{"diversity": 0.2}] * 3), name.COLLAPSING
    yield "alike early", signals([{}] + [{"diversity": 0.2}] * 3), name.HEALTHY
    yield "never spread", signals([{"diversity": 0.2}] * 20), name.PLATEAU
    yield "fell", signals([{}] * 8 + [{"held": 0.25}] * 3), name.COLLAPSING
    yield "never rose", signals([{"held": 0.25}] * 14), name.MODE_DROPPING
    yield "drops", signals([{"held": 0.75}] * 14), name.MODE_DROPPING
    yield "more come", signals([{"held": 0.7}] * 17 + [{"held": 0.75}] * 2), name.PLATEAU
    yield "strong", signals([bad | {"accuracy": 0.999}] * 12), name.DISCRIMINATOR_TOO_STRONG
    yield "blind", signals([bad | {"accuracy": 0.5}] * 12), name.GENERATOR_TOO_STRONG
    blind = signals([bad | {"accuracy": 0.5}] * 12, has_boundary=False)
    yield "blind, as it may be", blind, name.MODE_DROPPING
    yield "improves", signals(falling(0.9, 0.1)), name.IMPROVING
    yield "improves a little", signals(falling(0.9, 0.88)), name.PLATEAU
    yield "worse", signals(falling(0.2, 0.5)), name.PLATEAU
    yield "flat", signals([{}] * 40), name.PLATEAU
    yield "drawn points", signals([{}] * 12, modes=0), None
    alike: list[dict[str, float]] = [{}] * 6 + [{"diversity": 0.2}] * 4
    yield "drawn points, alike", signals(alike, modes=0), name.COLLAPSING


def told(found: Signals) -> dict[str, Any]:
    """The series as the engine has them."""
    return {
        "modes": found.modes,
        "hasBoundary": found.has_boundary,
        "state": {
            "sums": {}, "steps": 0,
            "turns": [row._asdict() for row in found.turns],
            "looks": [{"step": row.step, "diversity": row.diversity} for row in found.looks],
            "known": [
                {"step": row.step, "held": row.held, "misfit": row.misfit} for row in found.known
            ],
        },
    }  # fmt: skip


def test_verdicts_are_those_of_the_tool(tmp_path: Path) -> None:
    known = list(cases())
    found = asked(
        tmp_path,
        f"""
        const settings = Lab.settingsFor("gan", "ring8");
        const answer = {literal([told(series) for _, series, _ in known])}.map((series) => {{
          const lab = new Lab(settings);
          Object.assign(lab.health, series);
          const {{ name, since, sentence }} = lab.verdict();
          return [name, since, sentence];
        }});
        """,
    )
    for (what, series, expected), (name, since, sentence) in zip(known, found, strict=True):
        finding = finding_of(series)
        assert name == (expected and expected.value), what
        assert (finding and finding.name) == expected, what
        if finding is not None:
            assert since == finding.since, what
            words = finding.name.value.replace("-", " ")
            assert sentence == f"{words} since step {finding.since:,}: {finding.said}", what


def test_a_number_that_is_none_is_told(tmp_path: Path) -> None:
    """At rates beyond all bounds losses end as infinities; the tool ends such a run."""
    verdict = asked(
        tmp_path,
        """
        const settings = Lab.settingsFor("wgan-gp", "ring8");
        Object.assign(settings.schedule, { batch_size: 16, log_every: 5, looks_every: 0 });
        for (const spec of Object.values(settings.optimizers)) spec.lr = 1e60;
        const lab = new Lab(settings);
        for (let i = 0; i < 20; i += 1) lab.step();
        const answer = lab.verdict();
        """,
    )
    assert verdict["name"] == "diverging"
    assert verdict["sentence"] == ("diverging since step 5: a loss or a weight is no longer finite")


@pytest.mark.parametrize("model", ["gan", "veegan"])
def test_series_are_those_that_gan_train_logs(model: str, tmp_path: Path) -> None:
    """A lab notes a line and a look each so many steps, of measures with the log's meaning."""
    state = asked(
        tmp_path,
        f"""
        const settings = Lab.settingsFor({literal(model)}, "ring8");
        Object.assign(settings.schedule, {{ batch_size: 16, log_every: 3, looks_every: 6 }});
        const lab = new Lab(settings, {{ seed: 2 }});
        const rows = Array.from({{ length: 12 }}, () => lab.step());
        const answer = {{ ...lab.health.state, rows }};
        """,
    )
    assert [row["step"] for row in state["turns"]] == [3, 6, 9, 12]
    assert [row["step"] for row in state["looks"]] == [6, 12]
    assert [row["step"] for row in state["known"]] == [6, 12]
    third = state["turns"][0]
    measures = state["rows"][2]["measures"]
    judged = measures["discriminator"]
    assert third["accuracy"] == (judged["accuracy_real"] + judged["accuracy_fake"]) / 2
    assert third["gradients"] == {name: each["gradient_norm"] for name, each in measures.items()}
    names = state["rows"][0]["losses"]
    means = [sum(row["losses"][name] for row in state["rows"][:3]) / 3 for name in names]
    assert third["loss"] == pytest.approx(max(map(abs, means)))
