"""Trains runs that are known to go well, and runs made to fail, and counts the verdicts on them.

`make health` runs it; JOBS and OUT may be set. The runs are listed in health_runs.toml. One that is
there already is not trained again: its log is judged anew, so that a change of a threshold is seen
in seconds. A verdict counts as told where it was told at any step, and stood for long enough.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gancli.checkpoint import load
from gancli.choices import VerdictName
from gancli.errors import RunError
from gancli.health.verdict import Verdict, judge, signals_for
from gancli.runs.folder import Run

LIST = Path(__file__).with_suffix("").parent / "health_runs.toml"
ALARMS = [
    name
    for name in VerdictName
    if name not in (VerdictName.HEALTHY, VerdictName.IMPROVING, VerdictName.PLATEAU)
]
"""Verdicts that a run that goes well must never be given."""
SEEDS = ("1", "101")
"""Of each half, where a run has none of its own."""


@dataclass(frozen=True)
class Made:
    """A run to be judged."""

    kind: str
    name: str
    options: Sequence[str]
    """of `gan train`"""
    told: frozenset[str]
    """the verdicts that are meant to be told, any of them"""
    half: int
    """0: thresholds are set on it; 1: they are checked on it"""


def runs_there_are() -> Iterator[Made]:
    """Those of the list, the runs of a kind dealt in turn to both halves."""
    said = tomllib.loads(LIST.read_text())
    for kind, table in said["kinds"].items():
        for number, (model, base, more) in enumerate(table["runs"]):
            seed = ["--seed", SEEDS[number % 2]]
            options = [model, *shlex.split(said["bases"][base]), *seed, *shlex.split(more)]
            name = f"{kind}-{number:02d}-{model}-{base}"
            yield Made(kind, name, options, frozenset(table["told"]), number % 2)


def trained(made: Made, out: Path) -> Run:
    """The run, trained if it is not there."""
    run = Run(out / made.name)
    if not (run.folder / "trained").exists():
        typed = [sys.executable, "-m", "gancli", "train", *made.options, "--threads", "1"]
        with (out / f"{made.name}.log").open("wb") as log:
            subprocess.run(
                [*typed, "--out", str(run.folder), "--force"],
                stdout=log, stderr=log, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        if not run.folder.exists():
            raise SystemExit(f"{made.name} was not trained: {out / made.name}.log says why")
        (run.folder / "trained").touch()
    return run


def verdicts_of(run: Run) -> list[tuple[int, Verdict]]:
    """Each change of the verdict, and its step, by the rules as they are now."""
    try:
        preset = load(run.checkpoint()).header.preset
    except RunError:
        return []
    signals, found = signals_for(preset), list[tuple[int, Verdict]]()
    for row in run.metrics():
        signals.extend([row])
        verdict = judge(preset, signals)
        if verdict is not None and (not found or found[-1][1].name != verdict.name):
            found.append((row["step"], verdict))
    return found


def main() -> None:
    """Train, judge and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/health"))
    typed = parser.parse_args()
    typed.out.mkdir(parents=True, exist_ok=True)
    every, console = list(runs_there_are()), Console()
    with ThreadPoolExecutor(typed.jobs) as pool:
        runs = list(pool.map(lambda made: trained(made, typed.out), every))
    told = {made.name: verdicts_of(run) for made, run in zip(every, runs, strict=True)}
    for half in (0, 1):
        of_half = [made for made in every if made.half == half]
        console.print(counted(of_half, told, half))
    for made in every:
        said = ", ".join(f"{step}: {verdict.name}" for step, verdict in told[made.name])
        console.print(f"{made.name}: {said}", markup=False, soft_wrap=True)


def counted(every: Sequence[Made], told: dict[str, list[tuple[int, Verdict]]], half: int) -> Table:
    """Hits, misses and false alarms of each alarm, as a table."""
    table = Table(title=f"half {half + 1}: {len(every)} runs")
    for heading in ("verdict", "meant", "hits", "false alarms", "precision", "recall"):
        table.add_column(heading)
    hits, meant, false = Counter[str](), Counter[str](), Counter[str]()
    for made in every:
        names = {verdict.name for _, verdict in told[made.name]}
        kind = VerdictName(made.kind)
        meant[kind] += 1
        hits[kind] += bool(names & made.told) if made.told else not names & set(ALARMS)
        false.update(names & set(ALARMS) - made.told)
    for name in VerdictName:
        right, of, wrong = hits[name], meant[name], false[name]
        precision = f"{right / (right + wrong):.0%}" if right + wrong else "-"
        recall = f"{right / of:.0%}" if of else "-"
        table.add_row(name, str(of), str(right), str(wrong), precision, recall)
    ill = [made for made in every if made.told & set(ALARMS)]
    alarmed = sum(any(v.name in ALARMS for _, v in told[made.name]) for made in ill)
    table.caption = f"{alarmed} of the {len(ill)} runs that went badly were given some alarm"
    return table


if __name__ == "__main__":
    main()
