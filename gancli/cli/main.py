"""The one place where exceptions become sentences and exit codes."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

import gancli
from gancli.cli.app import app
from gancli.cli.mistyped import mistyped
from gancli.errors import ExitCode, GanError, NotReadyError, UsageError
from gancli.files import disk_error
from gancli.folders import expanded
from gancli.launch import is_shared, leads_here, quit_at_once, start_quickly
from gancli.notices import never_fail_for_a_character
from gancli.one_voice import may_say
from gancli.pasteable import begin_with, command
from gancli.plugin_records import ChangedPluginWarning
from gancli.plugins import load_plugin, load_plugins, plugin_fault
from gancli.printable import printable
from gancli.signals import exit_undisturbed, interrupt_on_signals, leave_quickly

PLUGIN, DEBUG = "--plugin", "--debug"


def program() -> None:
    """The program `gan`, which has its process for itself."""
    start_quickly()
    leave_quickly()
    main()


def main() -> None:
    """Run `gan` on this process's arguments, and raise SystemExit."""
    # Signals end in a sentence, too, and leave nothing half-written.
    interrupt_on_signals()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _interrupted()
    if is_shared():
        quit_at_once(code)
    exit_undisturbed(code)


def run(arguments: Sequence[str]) -> int:
    """Run `gan`; returns the exit code. `--debug`, anywhere, lets exceptions through."""
    never_fail_for_a_character()
    rest = [expanded(argument) for argument in arguments if argument != DEBUG]
    if len(rest) < len(arguments):
        return _call(rest, again=[*rest, DEBUG])
    try:
        return _call(rest, again=rest)
    except GanError as error:
        return _complain(str(error), error.code)
    except TyperException as error:
        return _complain(mistyped(error, rest), ExitCode.USAGE)
    except Exception as error:
        return _explain(error)


def _call(arguments: Sequence[str], again: Sequence[str]) -> int:
    """Run these words; `again`: those that the processes of `--devices` are started with."""
    with _warnings_in_sentences():
        typed = _load_typed_plugins(arguments) or ["--help"]
        # The option --devices types the same words once more, several times.
        code = app(typed, prog_name="gan", standalone_mode=False, obj=tuple(again))
    if code == ExitCode.INTERRUPTED:
        return _interrupted()
    return code if isinstance(code, int) else ExitCode.OK


def _interrupted() -> int:
    if not leads_here():
        return ExitCode.INTERRUPTED
    return _complain("interrupted; files written before are intact", ExitCode.INTERRUPTED)


def _load_typed_plugins(arguments: Sequence[str]) -> list[str]:
    """Load each `--plugin WHICH`, anywhere; returns the rest of the arguments.

    Raises:
        UsageError: one is missing, or its code fails.
    """
    rest: list[str] = []
    typed: list[str] = []
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option != PLUGIN:
            rest.append(word)
            continue
        wanted = value if equals else next(words, "")
        if not wanted:
            raise UsageError(f"{PLUGIN} names no plugin: pass {PLUGIN} FILE.py or a package")
        load_plugin(wanted)
        typed += [PLUGIN, wanted]
    begin_with(typed)
    if rest[:1] in (["evaluate"], ["eval"]):
        # It has an option for each metric.
        load_plugins()
    return rest


@contextmanager
def _warnings_in_sentences() -> Iterator[None]:
    """Say what is meant for the user as errors are said; other warnings look as Python's do."""
    with warnings.catch_warnings():
        plain = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:  # noqa: ANN401
            if issubclass(category, ChangedPluginWarning):
                _complain(str(message), ExitCode.OK)
            else:
                plain(message, category, *where, **more)

        warnings.showwarning = show
        yield


def _explain(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        # The reader, e.g. `head`, has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    known = _on_disk(error) if isinstance(error, OSError) else _of_missing_package(error)
    if known is not None:
        return _complain(str(known), known.code)
    if "surrogates not allowed" in str(error):
        return _complain(
            "a path on the command line, or one in a file, is not UTF-8: rename that file "
            "or folder, e.g. with mv",
            ExitCode.USAGE,
        )
    is_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if is_memory or "not enough memory" in str(error) or "can't allocate memory" in str(error):
        return _complain(
            "out of memory: choose a smaller batch (training: --set schedule.batch_size=, "
            "sampling: --batch-size), fewer samples, or smaller networks",
            ExitCode.USAGE,
        )
    in_plugin = plugin_fault(error)
    if in_plugin is not None:
        return _complain(f"{in_plugin}; rerun with --debug for a traceback", ExitCode.USAGE)
    return _complain(
        f"internal error: {type(error).__name__}: {error}; rerun with --debug and report it",
        ExitCode.INTERNAL,
    )


def _of_missing_package(error: Exception) -> GanError | None:
    """The sentence for a package that cannot be imported, unless it is a plugin's."""
    is_ours = isinstance(error, ImportError) and not (error.name or "").startswith("gancli")
    if not is_ours or plugin_fault(error) is not None:
        return None
    return NotReadyError(
        f"a package is missing or broken ({error}): {command('doctor')} says what to type"
    )


def _on_disk(error: OSError) -> GanError | None:
    """The sentence for an error of the disk, or about a file that is not the program's own."""
    package = Path(gancli.__file__).parent
    named = Path(os.fsdecode(error.filename)) if error.filename else None
    is_foreign = named is not None and package not in named.absolute().parents
    return disk_error(error, named if is_foreign else None)


def _complain(sentence: str, code: int) -> int:
    if not (leads_here() if code == ExitCode.OK else may_say()):
        return code
    typer.secho("gan: ", fg="red", err=True, nl=False)
    typer.echo(printable(sentence), err=True)
    return code
