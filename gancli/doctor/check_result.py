"""What a check of `gan doctor` says, and the commands that it advises."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec


class CheckState(StrEnum):
    """How something stands."""

    OK = "ok"
    ABSENT = "absent"
    """not there, and needed only by those who want it"""
    NOTE = "note"
    """everything runs, but worse than it could"""
    FAULT = "fault"
    """some command fails"""


@dataclass(frozen=True)
class CheckResult:
    """One line of the table."""

    group: str
    """versions, devices, disk, caches, data or weights"""
    name: str
    state: CheckState
    said: str
    """the finding, in words"""
    mend: tuple[str, ...] = ()
    """commands to type into a shell, in this order, if it is to be otherwise"""
    facts: Mapping[str, object] = field(default_factory=dict)
    """the same for programs"""


def shell_words(*words: str) -> str:
    """Words as this system's shell takes them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def pip_install(*wanted: str) -> str:
    """The command that installs packages where this program runs, also where there is no pip."""
    if find_spec("pip") is not None:
        return shell_words(sys.executable, "-m", "pip", "install", *wanted)
    if shutil.which("uv"):
        return shell_words("uv", "pip", "install", "--python", sys.executable, *wanted)
    first = shell_words(sys.executable, "-m", "ensurepip")
    return f"{first} && {shell_words(sys.executable, '-m', 'pip', 'install', *wanted)}"


def set_variable(name: str, value: str) -> str:
    """The command that sets a variable of the environment for the commands after it."""
    return f"$env:{name} = '{value}'" if os.name == "nt" else f"export {name}={shlex.quote(value)}"


def unset_variable(name: str) -> str:
    """The command that removes a variable of the environment."""
    return f"Remove-Item Env:{name}" if os.name == "nt" else f"unset {name}"


def brief_reason(error: BaseException) -> str:
    """An exception in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__
