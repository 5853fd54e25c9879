"""The run's report, `gan status`, and TensorBoard's files."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import SIDEWAYS, look_at
from conftest import Gan
from helpers import Key, job, narrow
from PIL import Image
from rich.console import Console

from gancli.checkpoint import load
from gancli.choices import LoggerName
from gancli.events import Logged, Stepped
from gancli.report import loggers
from gancli.report.listeners import watched
from gancli.report.page import REPORT_PICTURE_BYTES, render_report
from gancli.report.progress import RunDisplay
from gancli.report.run_report import Recorder
from gancli.report.status import draw, print_status
from gancli.report.summary import Summary, summarise_run
from gancli.runs.folder import Run
from gancli.trainer import Trainer

PHONE = (390, 844)
DESK = (1200, 900)
TRY = """
  const slider = document.getElementById("slider");
  const last = document.querySelector(".shown").src;
  slider.value = 0;
  slider.dispatchEvent(new Event("input"));
  const first = document.querySelector(".shown").src;
  document.querySelectorAll(".strip button")[1].click();
  const own = {first, last, step: slider.nextElementSibling.textContent,
    curves: document.querySelectorAll("svg polyline").length};
"""


def train(folder: Path, key: Key = ("wgan-gp", "ring8", "reference")) -> Run:
    """A finished run of eight steps, with all that accompanies one."""
    work = job(narrow(key), folder)
    with watched(Console(quiet=True), work) as (_, audience):
        Trainer(work, audience).train()
    return work.run


def summary_of(run: Run) -> Summary:
    return summarise_run(run, load(run.checkpoint()).header)


def test_a_page_fetches_nothing_and_says_all(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    page = run.report_file.read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "@import" not in page
    assert "url(" not in page
    preset = load(run.checkpoint()).header.preset
    for field, said in preset.deviations_in_force().items():
        assert field in page
        assert said.note.replace("'", "&#39;") in page
    assert "complete: 8 steps" in page
    assert page.count("data:image/png;base64,") == 1 + len(run.previews()) == 4
    shown = json.loads(re.search(r'id="charts">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    rows = run.metrics()
    lines = {line["name"]: line["points"] for line in shown[0]["lines"]}
    logged = [(row["step"], row["loss_generator"]) for row in rows if "loss_generator" in row]
    assert [step for step, _ in lines["generator"]] == [step for step, _ in logged]
    assert [v for _, v in lines["generator"]] == pytest.approx([v for _, v in logged], rel=1e-5)
    assert {line["name"] for chart in shown for line in chart["lines"]} >= {
        "modes held",
        "steps/s",
        "discriminator gradient penalty",
    }


def test_every_checkpoint_brings_the_report_up_to_date(tmp_path: Path) -> None:
    work = job(narrow(("gan", "ring8", "reference")), tmp_path / "run")
    seen: list[str] = []
    with watched(Console(quiet=True), work) as (_, audience):
        trainer = Trainer(work, audience)
        for stop in (2, 5):
            with pytest.raises(Exception, match="stopped at step"):
                trainer.train(lambda s=stop: trainer.state.step == s)  # type: ignore[misc]
            found = re.search(r"step \d+ of 8", work.run.report_file.read_text())
            seen.append(found[0] if found else "")
    assert seen == ["step 2 of 8", "step 5 of 8"]
    assert [row["step"] for row in work.run.timing()] == [2, 3, 4, 5]


def test_timing_adds_up(tmp_path: Path) -> None:
    now = iter([0.0, 4.0, 6.0])
    run = Run(tmp_path)
    recorder = Recorder(run, 10, lambda: next(now))
    recorder.note(Logged(12, {}))
    recorder.note(Stepped(13))
    recorder.note(Logged(16, {}))
    rows = [{k: v for k, v in row.items() if k != "time"} for row in run.timing()]
    assert rows == [
        {"step": 12, "steps": 2, "seconds": 4.0},
        {"step": 16, "steps": 4, "seconds": 2.0},
    ]


def test_a_page_stays_below_20_megabytes(tmp_path: Path) -> None:
    """Too many pictures are thinned out; the first and the last stay."""
    run = train(tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    picture = io.BytesIO()
    Image.fromarray(noise).save(picture, format="png")
    files = {step: run.preview_file(step) for step in range(1, 41)}
    for file in files.values():
        file.write_bytes(picture.getvalue())
    assert len(files) * len(picture.getvalue()) > 2 * REPORT_PICTURE_BYTES
    page = render_report(replace(summary_of(run), previews=files))
    assert len(page) < 20_000_000
    steps = [int(step) for step in re.findall(rb'data-step="(\d+)"', page)]
    assert 5 < len(steps) < 20
    assert (steps[0], steps[-1]) == (1, 40)
    assert f"{40 - len(steps)} more previews".encode() in page


def test_foreign_lines_in_the_logs_do_no_harm(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    for file, line in (
        (run.metrics_file, {"step": 9, "note": "mine"}),
        (run.timing_file, {"step": 9}),
    ):
        with file.open("a") as opened:
            opened.write(json.dumps(line) + "\n")
    found = summary_of(run)
    assert "note" not in found.latest()
    assert found.step == 9
    assert b"steps/s" in render_report(found)


def test_text_of_a_preset_is_no_markup(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    found = summary_of(run)
    preset = found.header.preset.model_copy(update={"summary": "</script><b>&"})
    page = render_report(replace(found, header=found.header.model_copy(update={"preset": preset})))
    assert b"&lt;/script&gt;&lt;b&gt;&amp;" in page
    assert b"</script><b>" not in page


def test_a_report_on_a_phone_needs_no_scrolling_sideways(tmp_path: Path) -> None:
    """Its preset is open; only tables in scrollers and the film strip are wider than the screen."""
    run = train(tmp_path / "run")
    page = run.report_file
    page.write_text(page.read_text().replace("<details>", "<details open>"))
    said, console = look_at(page, PHONE, SIDEWAYS)
    assert console == ""
    assert said["width"] == PHONE[0]
    assert said["overflow"] <= 0
    assert {kind.split()[0] for kind in said["scrolling"]} <= {"strip", "scroller"}
    assert said["outside"] == []
    assert said["small"] >= 12


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_report_of_a_real_run_in_a_browser(
    size: tuple[int, int], gan: Gan, tmp_path: Path, data_dir: Path
) -> None:
    every = [f"--set=schedule.{name}_every=2" for name in ("log", "preview", "checkpoint")]
    every.append("--set=schedule.min_previews=0")
    typed = ("gan", "--dataset", "mnist", "--steps", 6, "--out", tmp_path / "run")
    assert gan("train", *typed, "--data-dir", data_dir, *every)[0] == 0
    said, console = look_at(tmp_path / "run" / "report.html", size, TRY)
    assert not console
    assert said["broken"] == 0
    # The bins that the samples miss are among them.
    assert said["images"] == 6
    assert said["width"] == size[0]
    assert said["overflow"] <= 0
    assert said["small"] >= 12
    assert said["curves"] >= 3
    assert said["first"] != said["last"]
    assert said["step"] == "step 2"


def test_status_tells_of_the_latest_run(gan: Gan) -> None:
    assert gan("train", "gan", "--dataset", "ring8", "--steps", 3)[0] == 0
    code, out, _ = gan("status")
    assert code == 0
    for part in (
        "runs/gan-ring8-001\n",
        "complete: 3 steps; last written",
        "loss_generator",
        "steps/s",
        "report.html",
    ):
        assert part in out
    assert "▄" not in out
    assert gan("status", "nothing-of-the-kind")[0] == 4


def test_status_draws_the_preview_in_a_terminal(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="truecolor", width=60)
    print_status(summary_of(run), console)
    assert out.getvalue().count("▄") + out.getvalue().count("▀") > 400
    colours = Image.new("RGB", (8, 8))
    colours.paste((255, 0, 0), (0, 0, 8, 4))
    colours.save(tmp_path / "two.png")
    drawn = draw(tmp_path / "two.png", 4)
    with console.capture() as capture:
        console.print(drawn)
    assert capture.get().count("48;2;255;0;0") + capture.get().count("38;2;255;0;0") == 4


def test_tensorboard_gets_losses_and_previews(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    work = job(narrow(("gan", "ring8", "reference")), tmp_path / "run")
    with watched(Console(quiet=True), work, log=[LoggerName.TENSORBOARD]) as (_, audience):
        Trainer(work, audience).train()
    events = accumulator.EventAccumulator(str(work.run.tensorboard_folder))
    events.Reload()
    rows = [row for row in work.run.metrics() if "loss_generator" in row]
    found = events.Scalars("loss_generator")
    assert [event.step for event in found] == [row["step"] for row in rows]
    assert [event.value for event in found] == pytest.approx([r["loss_generator"] for r in rows])
    assert [event.step for event in events.Images("preview")] == list(work.run.previews())
    # A run that has such files gets more of them when it goes on.
    with watched(Console(quiet=True), work) as (board, audience):
        assert isinstance(board, RunDisplay)
        assert len(audience._listeners) == 3


def test_without_tensorboard_a_sentence_and_nothing_lost(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "is_there", lambda name: False)
    typed = ("gan", "--dataset", "ring8", "--steps", 2, "--out", tmp_path / "run")
    assert gan("train", *typed)[0] == 0
    before = sorted((tmp_path / "run").rglob("*"))
    code, _, said = gan("train", *typed, "--force", "--tensorboard")
    assert code == 2
    assert "pip install 'gancli[tensorboard]'" in said
    assert sorted((tmp_path / "run").rglob("*")) == before
