"""Assembles the commands, grouped by task.

Nothing in this package imports torch, which takes seconds: `gan --help` must not wait for it.
"""

from typing import Annotated

import typer

import gancli
from gancli.cli.bench import bench_app
from gancli.cli.collapse_study import collapse_study
from gancli.cli.compare import compare
from gancli.cli.data import data
from gancli.cli.doctor import doctor
from gancli.cli.evaluate import evaluate
from gancli.cli.explain import explain
from gancli.cli.export import export
from gancli.cli.figures import figures
from gancli.cli.film import film
from gancli.cli.import_ import import_
from gancli.cli.lab import lab
from gancli.cli.presets import presets_app
from gancli.cli.pull import pull
from gancli.cli.push import push
from gancli.cli.reproduce import reproduce
from gancli.cli.resume import resume
from gancli.cli.runs import runs
from gancli.cli.sample import sample
from gancli.cli.status import status
from gancli.cli.sweep import sweep
from gancli.cli.train import train
from gancli.cli.traverse import traverse
from gancli.cli.zoo import zoo

TRAIN_PANEL, GENERATE_PANEL, EVALUATE_PANEL = "Train", "Generate", "Evaluate and compare"
SHARE_PANEL = "Pass on"
LOOK_UP_PANEL = "Look up models and data"
MACHINE_PANEL = "This machine"

app = typer.Typer(
    help="Train, sample, evaluate, traverse and compare the classic GANs, repeatably.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("train", rich_help_panel=TRAIN_PANEL)(train)
app.command("resume", rich_help_panel=TRAIN_PANEL)(resume)
app.command("lab", rich_help_panel=TRAIN_PANEL)(lab)
app.command("import", rich_help_panel=TRAIN_PANEL)(import_)
app.command("status", rich_help_panel=TRAIN_PANEL)(status)
app.command("runs", rich_help_panel=TRAIN_PANEL)(runs)
app.command("sample", rich_help_panel=GENERATE_PANEL)(sample)
app.command("traverse", rich_help_panel=GENERATE_PANEL)(traverse)
app.command("export", rich_help_panel=SHARE_PANEL)(export)
app.command("push", rich_help_panel=SHARE_PANEL)(push)
app.command("pull", rich_help_panel=SHARE_PANEL)(pull)
app.command("evaluate", rich_help_panel=EVALUATE_PANEL)(evaluate)
app.command("eval", hidden=True)(evaluate)
app.command("compare", rich_help_panel=EVALUATE_PANEL)(compare)
app.command("figures", rich_help_panel=EVALUATE_PANEL)(figures)
app.command("film", rich_help_panel=EVALUATE_PANEL)(film)
app.command("sweep", rich_help_panel=EVALUATE_PANEL)(sweep)
app.command("reproduce", rich_help_panel=EVALUATE_PANEL)(reproduce)
app.command("collapse-study", rich_help_panel=EVALUATE_PANEL)(collapse_study)
app.add_typer(presets_app, name="presets", rich_help_panel=LOOK_UP_PANEL)
app.command("zoo", rich_help_panel=LOOK_UP_PANEL)(zoo)
app.command("explain", rich_help_panel=LOOK_UP_PANEL)(explain)
app.command("data", rich_help_panel=LOOK_UP_PANEL)(data)
app.command("doctor", rich_help_panel=MACHINE_PANEL)(doctor)
app.add_typer(bench_app, name="bench", rich_help_panel=MACHINE_PANEL)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gan {gancli.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks (accepted anywhere on the line).")
    ] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin",
            metavar="FILE.py|PACKAGE",
            help="Load parts of your own; accepted anywhere on the line, more than once.",
        ),
    ] = None,
) -> None:
    """Train, sample, evaluate, traverse and compare the classic GANs, repeatably."""
    del version, debug, plugin
