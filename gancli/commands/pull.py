"""`gan pull`."""

from pathlib import Path

from gancli.checkpoint import load
from gancli.folders import as_typed
from gancli.hub import hub_package, repository
from gancli.pasteable import command, named
from gancli.report.console import say
from gancli.report.run_report import bring_up_to_date
from gancli.sharing.pull import pull_run


def pull(address: str, out: Path | None) -> None:
    """Download a run from the hub into a folder of its own.

    Args:
        address: of its repository.
        out: the folder; None: the next numbered one under the root of runs.

    Raises:
        GanError: whatever `pull_run` raises.
    """
    wanted = repository(address)
    hub_package()
    say(f"downloading {wanted}")
    run = pull_run(wanted, out)
    saved = load(run.checkpoint())
    bring_up_to_date(run)
    preset = saved.header.preset
    place = as_typed(run.folder.absolute())
    say(f"wrote {place}: {preset.name} on {preset.dataset}, step {saved.header.step:,}")
    say(f"sample:   {command('sample', place)}")
    if saved.is_generator_alone:
        say(f"note: it is the generator alone, so {named('resume')} cannot go on with it")
    else:
        say(f"go on:    {command('resume', place)}")
