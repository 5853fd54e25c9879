"""The ledger of reproductions: results that are kept, and the page that is written from them."""

from pathlib import Path

import pytest
from conftest import Gan

from gancli.bench.probe import StepOperations
from gancli.commands import reproduce as command
from gancli.errors import ExitCode, RunError
from gancli.experiment.file import experiment_names, read_experiment
from gancli.experiment.grid import experiment_of
from gancli.experiment.kept import KeptResults, read_kept, read_operations
from gancli.experiment.ledger import ledger_entries, ledger_page, work_name
from gancli.experiment.reproduction import plan_of
from gancli.experiment.results import CellResult, Column, Results
from gancli.experiment.spec import ExperimentSpec
from gancli.preset import change

PAGE = Path(__file__).parent.parent / "docs" / "reproduction.md"
NAME = "infogan-norm"
KEPT = PAGE.parent / "reproductions"


def specs() -> dict[str, ExperimentSpec]:
    return {name: experiment_of(plan_of(read_experiment(name))) for name in experiment_names()}


def results() -> Results:
    """The first GAN with batch norm and without: of two seeds, as if they had been run."""
    cells = [
        CellResult(
            name=f"norm-{norm}-seed-{seed}",
            labels={"norm": norm},
            seed=seed,
            steps=20,
            state="done",
            seconds=1800.0,
            values={"code_purity": value - seed / 10},
            most={"code_purity": 1.0},
            rows=[{"step": 20, "code_purity": value - seed / 10}],
        )
        for seed in (0, 1)
        for norm, value in (("none", 0.9), ("batch", 0.2))
    ]
    columns = [Column(name="code_purity", label="purity", better="higher", is_share=True)]
    return Results(
        title="t", axes={"norm": ["none", "batch"]}, seeds=[0, 1], columns=columns, groups=[],
        real={}, cells=cells, protocol={"source": "s"}, versions={"gancli": "1"},
        machine="a-host, x86", made="2026-11-26T08:00:00+00:00",
    )  # fmt: skip


def lite_spec() -> ExperimentSpec:
    return experiment_of(plan_of(read_experiment(NAME), lite=True))


def kept_of(spec: ExperimentSpec) -> KeptResults:
    return KeptResults.of(NAME, spec, results(), "Linux x86_64, cpu, 2 cores", lite=True)


def page_of(kept: KeptResults) -> str:
    spec = experiment_of(plan_of(read_experiment(NAME)))
    operations = dict.fromkeys(map(work_name, spec.cells), StepOperations(1, 1))
    return ledger_page(ledger_entries({NAME: spec}, operations, [kept]))


def test_the_page_is_what_is_kept() -> None:
    """Where this fails, type gan reproduce --ledger docs/reproduction.md."""
    operations, found = read_operations(KEPT), specs()
    assert {work_name(c) for spec in found.values() for c in spec.cells} == operations.keys()
    page = PAGE.read_text()
    assert page == ledger_page(ledger_entries(found, operations, read_kept(KEPT)))
    for name in experiment_names():
        assert f"| {name} |" in page
        assert f"`gan reproduce {name}`" in page


def test_results_are_kept_without_their_curves(tmp_path: Path) -> None:
    kept = kept_of(lite_spec())
    kept.write(tmp_path / "infogan-norm-lite.json")
    assert "a-host" not in (tmp_path / "infogan-norm-lite.json").read_text()
    (again,) = read_kept(tmp_path)
    assert again == kept
    whole = again.as_results()
    assert [group.name for group in whole.groups] == ["norm-none", "norm-batch"]
    assert whole.groups[0].measures["code_purity"].values == pytest.approx([0.9, 0.8])
    assert all(cell.rows == [] for cell in whole.cells)


def test_what_was_run_stands_in_the_page() -> None:
    page = page_of(kept_of(lite_spec()))
    assert "shorter form, 4 of 4 cells" in page
    assert "Run in its shorter form on 2026-11-26: 4 of 4 cells done, 2 seeds, 2.0 hours" in page
    assert "holds for 2 of 2 seeds" in page
    assert "Not run in full: needs" in page
    assert "80.0, 90.0 %" in page


def test_results_of_other_settings_are_left_out_and_said() -> None:
    """The presets may have changed since; on another device, and of more seeds, they are the
    same."""
    spec = lite_spec()
    first = spec.cells[0]
    settings = first.settings.model_copy(update={"device": "cuda", "seed": 5})
    elsewhere = first.model_copy(update={"settings": settings, "judges": {"digits": "a hash"}})
    assert elsewhere.digest() != first.digest()
    assert elsewhere.description_hash() == first.description_hash()
    longer = change(first.preset, [f"schedule.steps={first.steps + 1}"])
    others = [cell for cell in spec.cells if cell.labels != first.labels]
    changed = [first.model_copy(update={"preset": longer}), *others]
    kept = kept_of(spec.model_copy(update={"cells": changed}))
    assert kept.stale(spec) == ["norm-none"]
    assert kept_of(spec).stale(spec) == []
    page = page_of(kept)
    assert "shorter form, 2 of 2 cells, and 1 of other settings" in page
    assert "left out: norm-none. `gan reproduce infogan-norm --lite` runs" in page
    assert "80.0, 90.0 %" not in page
    assert "not checked: wants" in page
    every = kept.model_copy(update={"descriptions": {}})
    assert "Not run: needs" in page_of(every)


def test_results_of_no_experiment_and_foreign_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="results are kept of dreams, which is not an experiment"):
        page_of(kept_of(lite_spec()).model_copy(update={"experiment": "dreams"}))
    for text in ("[]", '{"a": 1}', '{"a": [1]}', '{"a": ["x", 2]}', "{", "1"):
        (tmp_path / "operations.json").write_text(text)
        with pytest.raises(RunError, match=r"operations.json does not hold.*delete it"):
            read_operations(tmp_path)


def test_what_failed_is_kept_and_shown_next_to_the_published(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that diverges is a result, too."""
    found = results()
    found.cells[0] = found.cells[0].model_copy(
        update={"state": "failed", "reason": "not finite", "diverged_step": 9, "values": {}}
    )
    monkeypatch.setattr(command, "run_experiment", lambda *words, **more: found)
    monkeypatch.setattr(command, "book_of", lambda places, spec: (None, spec))
    code, out, said = gan("reproduce", "infogan-norm", "--keep", "kept.json")
    assert code == ExitCode.PARTLY
    assert "1 of 4 cells failed, the first (norm-none-seed-0): not finite" in said
    assert "the source's claims" in out
    (kept,) = read_kept(Path())
    assert [cell.diverged_step for cell in kept.cells] == [9, None, None, None]


def test_the_ledger_refuses_what_makes_no_sense(gan: Gan) -> None:
    for words, said in (
        (("learning-rates", "--ledger", "page.html"), "leave the name out"),
        (("--kept", "folder"), "--kept applies only with --ledger"),
        (("--keep", "file.json"), "no experiment given"),
        (("learning-rates", "--keep", "f.json", "--plan"), "leave one out"),
        (("learning-rates", "--keep", "f.json", "--set", "optimizer.lr=1"), "leave --set out"),
    ):
        code, _, answer = gan("reproduce", *words)
        assert code == 2
        assert said in answer
