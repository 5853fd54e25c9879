"""A metric is an object: one class and one entry, and every command knows it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch
from conftest import Gan
from test_evaluate_training import RUN, Toy, some_images, typed
from torch import Tensor

from gancli import parts, register
from gancli.errors import UsageError
from gancli.evaluation.evaluate import compute_scores
from gancli.evaluation.evaluate_checkpoint import evaluate_checkpoint
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.features import FeatureSet
from gancli.evaluation.frechet import Moments
from gancli.evaluation.known_modes import KnownModes, Readings
from gancli.evaluation.metrics import METRICS, ImageFacts, MetricInputs
from gancli.evaluation.mode_bins import BinSettings, fit_bins
from gancli.evaluation.observer import EvaluationStoppedError
from gancli.evaluation.results import read_evaluations
from gancli.evaluation.spec import EvaluationSpec
from gancli.runs.folder import Run
from gancli.scores import METRIC_TABLE, is_headline, metric_options, ranking_scores

SPREAD = re.findall(
    r"```python\n# spread\.py\n(.*?)```",
    (Path(__file__).parent.parent / "docs" / "scores.md").read_text(),
    re.DOTALL,
)[0]
"""The metric that the documents show."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Metrics registered by a test are gone after it."""
    kinds, table = dict(METRICS._parts), dict(METRIC_TABLE)
    yield
    METRICS._parts.clear()
    METRICS._parts.update(kinds)
    METRIC_TABLE.clear()
    METRIC_TABLE.update(table)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Toy:
    """An extractor of a few random projections, images of one's own, and a cache for both."""
    made = Toy()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: made.extractor)
    some_images()
    return made


def spread() -> None:
    exec(compile(SPREAD, "spread.py", "exec"), {"__name__": "spread"})


def _unread(images: Tensor) -> Readings:
    raise AssertionError("they were read before")


def test_every_entry_has_a_class_and_every_class_its_scores() -> None:
    assert list(METRIC_TABLE) == [
        "fid", "is", "is-koshian2", "intra-fid", "kid", "mind", "prc", "dc", "digits",
        "memorisation", "modes",
    ]  # fmt: skip
    assert set(METRICS) == set(METRIC_TABLE)
    x = torch.randn(1200, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(1200) % 2
    sets: list[FeatureSet] = []
    for part in (x[:600].repeat(2, 1), x, x, x[:600].repeat(2, 1)):
        total, by_class = Moments(4), {0: Moments(4), 1: Moments(4)}
        total.add(part)
        for label, own in by_class.items():
            own.add(part[labels == label])
        each = {label: own.gaussian() for label, own in by_class.items()}
        whole = total.gaussian()
        sets.append(FeatureSet(1200, whole, each, part, part, labels, thickness=part[:, 0]))
    facts = ImageFacts(
        of_digits=True,
        codes=labels.numpy(),
        codes_are_digits=True,
        first_code=x[:, 1].double().numpy(),
    )
    fake, real, train, held_out = sets
    real.bins = fit_bins(x, real.total, BinSettings(5, 4, 0))
    fake.modes = Readings(labels.numpy(), np.ones(1200, bool))
    modes = KnownModes(("0", "1"), np.array([0.5, 0.5]), _unread, "")
    inputs = MetricInputs(fake, real, train, held_out, facts, known_modes=modes)
    extractor = Extractor("toy", "0", False, "", 4, torch.device("cpu"), lambda x: Seen(x, x))
    for name, kind in METRICS.items():
        assert kind.entry is METRIC_TABLE[name]
        scores = kind().compute(inputs)
        # The width of modes is of points, which no extractor sees.
        wanted = [s.name for s in kind.entry.scores if s.name != "std_ratio"]
        assert list(filter(is_headline, scores)) == wanted
        assert set(kind().uncertainty(inputs, scores)) <= set(scores)
    every = compute_scores(inputs, EvaluationSpec(list(METRICS), extractor, facts)).scores
    assert [name for name in every if is_headline(name)] == [
        s.name for entry in METRIC_TABLE.values() for s in entry.scores if s.name != "std_ratio"
    ]


def test_one_class_and_one_entry_reach_every_command(gan: Gan, toy: Toy) -> None:
    """`gan evaluate`, its file, training, `gan compare`, the report and a preset's field."""
    assert "--spread" not in gan("evaluate", "--help")[1]
    code, _, said = gan(*typed("schedule.evaluate_by=feature_spread"))
    assert code == 2
    assert "is 'feature_spread', and must be one of fid, " in said
    assert "one that a plugin brings" in said
    spread()
    assert "Mean squared length of the features." in gan("evaluate", "--help")[1]
    assert [entry.name for entry in metric_options()][-1] == "spread"
    code, out, said = gan(*typed("schedule.evaluate_by=feature_spread"))
    assert (code, said) == (0, "")
    assert "by feature spread" in out
    scores = [row["evaluation"]["scores"] for row in Run(RUN).evaluations()]
    best = max(range(3), key=lambda at: scores[at]["feature_spread"])
    assert Run(RUN).evaluations()[-1]["best"] == [2, 4, 5][best]
    for step in (2, 5):
        asked = ("--spread", "--count", 20, "--checkpoint", step, "--bootstrap", 50)
        code, out, said = gan("evaluate", RUN, *asked)
        assert (code, said) == (0, "")
        assert "feature spread [inception]" in out
    kept = read_evaluations(Run(RUN).evaluation_file)[0]
    low, high = kept.intervals["feature_spread"]
    assert set(kept.scores) == {"feature_spread"}
    assert low < kept.scores["feature_spread"] < high
    code, out, _ = gan("evaluate", RUN, "--all", "--count", 20, "--json")
    assert (code, set(json.loads(out)[0]["scores"])) == (
        0, {"fid", "inception_score", "inception_score_std", "kid", "kid_std", "mind", "precision",
            "recall", "density", "coverage", "bins_held", "bins_different",
            "bins_different_share", "bins_jensen_shannon", "feature_spread"},
    )  # fmt: skip
    code, out, _ = gan("compare", RUN, "--by", "feature_spread", "--json", "--no-floor")
    assert (code, json.loads(out)["by"]) == (0, "feature_spread")
    told = [row["scores"]["feature_spread"] for row in json.loads(out)["rows"]]
    assert told == sorted(told, reverse=True)
    assert "feature spread [inception]" in Run(RUN).report_file.read_text()
    code, _, said = gan("compare", RUN, "--by", "beauty")
    assert (code, ", ".join(ranking_scores()) in said) == (2, True)
    assert "feature_spread" in ranking_scores()


@pytest.mark.usefixtures("toy")
def test_what_a_plugin_measured_is_shown_without_it(gan: Gan) -> None:
    spread()
    assert gan(*typed())[0] == 0
    assert gan("evaluate", RUN, "--spread", "--fid", "--count", 20)[0] == 0
    del METRICS._parts["spread"], METRIC_TABLE["spread"]
    assert gan("evaluate", RUN, "--fid", "--count", 24)[0] == 0
    page = Run(RUN).report_file.read_text()
    assert "feature_spread" in page
    assert "--spread" not in gan("evaluate", "--help")[1]


def test_a_plugin_file_brings_a_metric(gan: Gan) -> None:
    Path("spread_file.py").write_text(SPREAD)
    assert "--spread" in gan("--plugin", "spread_file.py", "evaluate", "--help")[1]


def test_names_belong_to_one_metric() -> None:
    spread()
    # A notebook's cell that is run twice.
    spread()
    before = dict(METRICS), dict(METRIC_TABLE)
    for changed, said in (
        (SPREAD.replace("FeatureSpread", "Other"), "metric spread is registered twice"),
        (SPREAD.replace('"spread"', '"other"').replace("FeatureSpread", "Other"),
         "score feature_spread belongs to two metrics"),
        (SPREAD.replace('metric("spread")', 'metric("other")'), "give both the same name"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            exec(compile(changed, "spread.py", "exec"), {"__name__": "spread"})
        assert (dict(METRICS), dict(METRIC_TABLE)) == before


def test_a_metric_that_asks_for_what_it_does_not_name() -> None:
    """What was not kept is said by the name of the field to set."""

    @register.metric("greedy")
    class Greedy(parts.Metric):
        entry = parts.MetricEntry("greedy", "Nothing.", (parts.Score("greed", "greed"),))

        def compute(self, inputs: MetricInputs) -> dict[str, float]:
            return {"greed": float(inputs.fake.all_features().mean())}

    total = Moments(2)
    total.add(torch.randn(10, 2))
    alone = MetricInputs(FeatureSet(10, total.gaussian()))
    with pytest.raises(ValueError, match="name them in the metric's needs"):
        Greedy().compute(alone)
    with pytest.raises(ValueError, match="reference_needs"):
        _ = alone.reference
    with pytest.raises(ValueError, match="training_needs"):
        _ = alone.unseen


# --- for programs ---


def test_a_program_gets_what_the_command_prints(gan: Gan, toy: Toy) -> None:
    assert gan(*typed())[0] == 0
    code, out, _ = gan("evaluate", RUN, "--fid", "--prc", "--count", 20, "--raw", "--json")
    assert code == 0
    (printed,) = json.loads(out)
    (found,) = evaluate_checkpoint(RUN, ["fid", "prc"], count=20, raw=True)
    assert found.model_dump(mode="json", exclude={"made"}) == {
        name: value for name, value in printed.items() if name != "made"
    }
    # Images in files, and a stop between two batches.
    some_images()
    (images,) = evaluate_checkpoint("own.npz", ["fid"], reference="own.npz", batch_size=8)
    assert images.scores["fid"] == pytest.approx(0, abs=1e-6)
    assert images.protocol.weights == toy.extractor.weights
    asked = iter([False] * 3 + [True] * 9)
    with pytest.raises(EvaluationStoppedError):
        evaluate_checkpoint(
            "own.npz", ["fid"], reference="own.npz", batch_size=8, should_stop=lambda: next(asked)
        )
    with pytest.raises(UsageError, match="no metric beauty: choose from fid, is"):
        evaluate_checkpoint(RUN, ["beauty"])


def test_the_help_of_a_program_names_its_metrics() -> None:
    told = dedent(evaluate_checkpoint.__doc__ or "")
    assert all(f"`{entry.name}`" in told for entry in metric_options())
