"""The rules of verdicts, on series made by hand."""

from collections.abc import Iterable, Mapping

import pytest
from helpers import narrow

from gancli.choices import VerdictName
from gancli.health.divergence import WILD_DISCRIMINATOR_UPDATE, WILD_GRADIENT, WILD_UPDATE
from gancli.health.finding import SURE
from gancli.health.measures import BINS_DIVERGENCE, BINS_HELD, DIVERSITY, NEAREST_REAL
from gancli.health.rules import COPIED, FEW_HELD, LOW_DIVERSITY, STILL_UPDATE, TREND
from gancli.health.rules import WARM_UP_OF_IMAGES as WARM_UP
from gancli.health.signals import LARGEST_DIVERGENCE
from gancli.health.verdict import Verdict, judge, signals_for, verdict_row, verdicts_in
from gancli.preset import Preset, change
from gancli.runs.logs import LogRow
from gancli.runs.overview import HELD

PRESET = narrow(("gan", "mnist", "reference"))
D = "discriminator.health."


def row(step: int, **more: float) -> LogRow:
    """A line of a run that is doing well."""
    return {
        "step": step,
        "loss_discriminator": 1.2,
        "loss_generator": 0.9,
        f"{D}accuracy_real": 0.8,
        f"{D}accuracy_fake": 0.7,
        f"{D}update_ratio": 0.001,
        f"{D}gradient_norm": 1.0,
        "generator.health.update_ratio": 0.002,
        "generator.health.gradient_norm": 2.0,
        BINS_HELD: 1.0,
        BINS_DIVERGENCE: 0.1,
        DIVERSITY: 0.95,
        NEAREST_REAL: 1.0,
        **more,
    }


def series(*changes: Mapping[str, float], first: int = WARM_UP) -> list[LogRow]:
    """A line every 100 steps, from this one on."""
    return [row(first + 100 * number, **each) for number, each in enumerate(changes)]


def judged(rows: list[LogRow], preset: Preset = PRESET) -> Verdict | None:
    return judge(preset, signals_for(preset, rows))


def name_of(rows: list[LogRow]) -> str | None:
    found = judged(rows)
    return None if found is None else found.name.value


def far(values: Iterable[float]) -> list[dict[str, float]]:
    return [{BINS_DIVERGENCE: value * LARGEST_DIVERGENCE} for value in values]


def test_it_is_too_early_before_the_third_look() -> None:
    assert name_of(series(*[{}] * (SURE - 1))) is None
    assert name_of(series(*[{}] * SURE)) == "healthy"


NOISE = [0.3 + 0.01 * (n * n % 4 - n % 3) for n in range(2 * TREND)]
"""Distances that stay."""
LIKE_NOISE = {BINS_DIVERGENCE: 0.9 * LARGEST_DIVERGENCE, BINS_HELD: 0.6}
SEEN = {f"{D}accuracy_real": 1.0, f"{D}accuracy_fake": 0.99}
STILL = {f"{D}update_ratio": STILL_UPDATE / 2, "generator.health.update_ratio": STILL_UPDATE / 2}
BLIND = {f"{D}accuracy_real": 0.55, f"{D}accuracy_fake": 0.5}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({DIVERSITY: LOW_DIVERSITY - 0.01}, "collapsing"),
        ({NEAREST_REAL: COPIED - 0.01}, "memorising"),
        ({f"{D}update_ratio": WILD_DISCRIMINATOR_UPDATE + 0.01}, "diverging"),
        ({f"{D}update_ratio": WILD_UPDATE + 0.01}, "healthy"),
        ({"generator.health.update_ratio": WILD_UPDATE + 0.01}, "diverging"),
        ({f"{D}gradient_norm": WILD_GRADIENT + 1}, "diverging"),
        ({"generator.health.gradient_norm": 0.0}, "diverging"),
        ({"loss_generator": -1e9}, "diverging"),
        (STILL, "plateau"),
        # Whatever its samples are like: untrained ones are alike, too.
        ({**STILL, DIVERSITY: 0.0}, "plateau"),
        ({**LIKE_NOISE, **SEEN}, "discriminator-too-strong"),
        ({**LIKE_NOISE, **BLIND}, "generator-too-strong"),
        # Neither accuracy is an alarm while samples are like the data.
        (SEEN, "healthy"),
        (BLIND, "healthy"),
        ({DIVERSITY: LOW_DIVERSITY + 0.01}, "healthy"),
    ],
    ids=str,
)
def test_what_three_rows_show(changed: dict[str, float], name: str) -> None:
    rows = series({}, {}, changed, changed, changed)
    assert name_of(rows) == name
    assert name_of(rows[:-1]) in ("healthy", None)
    found = judged(rows)
    assert found is not None
    assert found.since == WARM_UP + 200


def test_samples_of_the_beginning_tell_nothing() -> None:
    """They are alike in a run that goes well, too."""
    alike = [{DIVERSITY: 0.1 * n, **LIKE_NOISE} for n in range(SURE)]
    assert name_of(series(*alike, first=WARM_UP - 300)) is None
    assert name_of(series(*alike, first=WARM_UP)) == "collapsing"


@pytest.mark.parametrize(
    ("judged", "name"),
    [(SEEN, "discriminator-too-strong"), (BLIND, "generator-too-strong"), ({}, None)],
)
def test_samples_that_never_change_have_not_collapsed(
    judged: dict[str, float], name: str | None
) -> None:
    """The generator learns nothing: the discriminator says why."""
    assert name_of(series(*[{DIVERSITY: 0.02, **LIKE_NOISE, **judged}] * SURE)) == name


def test_a_loss_without_a_boundary_is_not_guessed_at() -> None:
    """Wasserstein: half of the logits lie on either side of a middle that means nothing."""
    rows = series(*[{**LIKE_NOISE, **BLIND}] * SURE)
    assert name_of(rows) == "generator-too-strong"
    found = judged(rows, narrow(("wgan-gp", "mnist", "reference")))
    assert found is None or found.name is VerdictName.HEALTHY


def test_few_modes_held_are_never_healthy() -> None:
    few, rising = {BINS_HELD: FEW_HELD - 0.01}, [{BINS_HELD: 0.1 * n} for n in range(6)]
    assert name_of(series(few, few, few)) is None
    assert name_of(series(*rising)) is None
    assert name_of(series(*[few] * (2 * SURE))) == "mode-dropping"


def test_the_distance_from_the_data_falls_or_stays() -> None:
    falling = [0.5 - 0.02 * n for n in range(2 * TREND)]
    assert name_of(series(*far(falling))) == "improving"
    assert name_of(series(*far(NOISE))) == "plateau"
    assert name_of(series(*far(falling[::-1]))) == "plateau"
    assert name_of(series(*far(falling[1:]))) == "healthy"


def test_a_fall_that_may_be_chance_is_no_plateau() -> None:
    """Half as far as before, but so unsteady that it proves nothing."""
    before, now = [0.2, 0.6] * (TREND // 2), [0.02, 0.38] * (TREND // 2)
    assert name_of(series(*far([*before, *now]))) == "healthy"


def test_the_longer_a_run_the_more_looks_are_compared() -> None:
    """So that a slow fall is found, which noise hides from the last few looks."""
    slow = [0.3 - 0.002 * n + 0.02 * (n % 2) for n in range(16 * TREND)]
    found = judged(series(*far(slow)))
    assert found is not None
    assert (found.name.value, found.since) == ("improving", WARM_UP + 100 * 12 * TREND)


def test_modes_are_dropped_where_no_more_come() -> None:
    few = {BINS_HELD: FEW_HELD - 0.01}
    noise = [{**each, **few} for each in far(NOISE)]
    falling = [{**each, **few} for each in far([0.5 - 0.02 * n for n in range(2 * TREND)])]
    assert name_of(series(*noise)) == "mode-dropping"
    assert name_of(series(*falling)) == "improving"


def test_a_run_that_recovers_is_told_so() -> None:
    ill = {DIVERSITY: 0.1}
    assert name_of(series({}, ill, ill, ill)) == "collapsing"
    assert name_of(series({}, ill, ill, ill, {})) == "healthy"


@pytest.mark.parametrize(
    "name", [each for each in VerdictName if each not in ("healthy", "improving")]
)
def test_what_is_to_be_tried_can_be_typed(name: VerdictName) -> None:
    """Each option is one that the preset takes, and that changes it."""
    rows = {
        "collapsing": series({}, *[{DIVERSITY: 0.1}] * 3),
        "memorising": series(*[{NEAREST_REAL: 0.1}] * 3),
        "diverging": series(*[{f"{D}update_ratio": 1.0}] * 3),
        "discriminator-too-strong": series(*[{**LIKE_NOISE, **SEEN}] * 3),
        "generator-too-strong": series(*[{**LIKE_NOISE, **BLIND}] * 3),
        "plateau": series(*far(NOISE)),
        "mode-dropping": series(*[{**each, BINS_HELD: 0.5} for each in far(NOISE)]),
    }[name]
    found = judged(rows)
    assert found is not None
    assert found.name is name
    assert 1 <= len(found.tries) <= 3
    for said in found.tries:
        option, _, typed = said.partition(" ")
        if option == "--set":
            assert change(PRESET, [typed]) != PRESET
        else:
            assert said in ("--on-nan rollback", "--stop-when plateau")


def test_the_player_that_leaps_is_slowed() -> None:
    rows = series(*[{"generator.health.update_ratio": 0.5}] * 3)
    found = judged(rows)
    assert found is not None
    assert "the generator's weights by 50%" in found.said
    assert found.tries[0].startswith("--set generator.optimizer.lr=")


def test_a_player_of_several_is_named() -> None:
    found = judged(series(*[{"joint.health.reconstructor_update_ratio": 0.5}] * SURE))
    assert found is not None
    assert "the reconstructor's weights by 50%" in found.said


def test_a_growing_log_is_read_once() -> None:
    """What is added line by line comes to the same as the whole log, counts of modes included."""
    counted = [{"step": row["step"], HELD: 3.0} for row in series({}, {})]
    rows = [*series(*far([0.5, 0.4, 0.3])), *counted, {"step": 2000, "verdict": {}}]
    growing = signals_for(PRESET)
    for each in rows:
        growing.extend([each])
    assert growing == signals_for(PRESET, rows)
    assert (len(growing.looks), len(growing.known), len(growing.turns)) == (3, 2, 3)


def test_verdicts_are_read_back_and_foreign_ones_passed_over() -> None:
    verdict = Verdict(name=VerdictName.PLATEAU, since=5, said="nothing changes", tries=("--x",))
    rows: list[LogRow] = [
        row(1),
        verdict_row(9, verdict),
        {"step": 10, "verdict": {"name": "splendid"}},
        {"step": 11, "verdict": 7},
    ]
    (found,) = verdicts_in(rows)
    assert (found.step, found.verdict) == (9, verdict)
    assert found.verdict.sentence == "plateau since step 5: nothing changes; try --x"
