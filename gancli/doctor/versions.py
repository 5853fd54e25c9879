"""Versions: Python, gancli, the packages it needs, torch and torchvision, and the extras."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from types import ModuleType
from typing import TYPE_CHECKING

import gancli
from gancli.doctor.check_result import CheckResult, CheckState, brief_reason, pip_install

if TYPE_CHECKING:
    from packaging.requirements import Requirement

VERSIONS_GROUP = "versions"
OF_DEVELOPERS = "dev"
"""The extra that users do not miss."""
HEAVY_PACKAGES = ("torch", "torchvision")
"""They have lines of their own, because their versions alone do not say that they work."""


def version_checks() -> Iterator[CheckResult]:
    """A line for each of them."""
    yield CheckResult(
        VERSIONS_GROUP, "gancli", CheckState.OK, f"{gancli.__version__}, in {sys.prefix}"
    )
    yield CheckResult(
        VERSIONS_GROUP,
        "Python",
        CheckState.OK,
        f"{platform.python_version()} on {platform.system()} ({platform.machine()})",
    )
    yield torch_check()
    yield torchvision_check()
    try:
        needed = _requirements()
    except metadata.PackageNotFoundError:
        said = "gancli runs from a folder that is not installed, so nothing says what it needs"
        yield CheckResult(VERSIONS_GROUP, "packages", CheckState.NOTE, said)
        return
    yield _packages_check([each for each in needed if _extra_of(each) is None])
    yield _extras_check(needed)


def _requirements() -> list["Requirement"]:
    """What the installed gancli asks for.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    from packaging.requirements import Requirement

    return [Requirement(each) for each in metadata.requires("gancli") or ()]


def _extra_of(needed: "Requirement") -> str | None:
    match = re.search(r"extra == ['\"]([^'\"]+)['\"]", str(needed.marker or ""))
    return match[1] if match else None


def _lacks(needed: "Requirement") -> str:
    """What is wrong with a package, in words; empty: nothing."""
    if needed.marker is not None and not needed.marker.evaluate({"extra": _extra_of(needed) or ""}):
        return ""
    try:
        there = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return f"{needed.name} is missing"
    is_new_enough = needed.specifier.contains(there, prereleases=True)
    return "" if is_new_enough else f"{needed.name} is {there}, and {needed.specifier} is needed"


def _plain(needed: "Requirement") -> str:
    """A requirement as pip takes it, without the extra that asks for it."""
    return f"{needed.name}{needed.specifier}"


def _packages_check(needed: list["Requirement"]) -> CheckResult:
    wrong = {_plain(each): _lacks(each) for each in needed if each.name not in HEAVY_PACKAGES}
    lacking = {each: said for each, said in wrong.items() if said}
    if lacking:
        said = "; ".join(lacking.values())
        return CheckResult(
            VERSIONS_GROUP, "packages", CheckState.FAULT, said, (pip_install(*lacking),)
        )
    return CheckResult(
        VERSIONS_GROUP, "packages", CheckState.OK, f"the other {len(wrong)} are there"
    )


def _extras_check(needed: list["Requirement"]) -> CheckResult:
    extras = dict.fromkeys(extra for each in needed if (extra := _extra_of(each)))
    own = [extra for extra in extras if extra != OF_DEVELOPERS]
    lacking = {
        extra: [_plain(each) for each in needed if _extra_of(each) == extra and _lacks(each)]
        for extra in own
    }
    there = [extra for extra in own if not lacking[extra]]
    absent = [extra for extra in own if lacking[extra]]
    said = [f"there: {', '.join(there)}"] if there else []
    said += [f"absent: {', '.join(absent)}"] if absent else []
    return CheckResult(
        VERSIONS_GROUP,
        "extras",
        CheckState.ABSENT if absent else CheckState.OK,
        "; ".join(said),
        tuple(pip_install(*lacking[extra]) for extra in absent),
        {"there": there, "absent": absent},
    )


def loaded(name: str) -> ModuleType | Exception:
    """A module, or why it cannot be imported: broken ones raise what they like."""
    try:
        found = import_module(name)
    except Exception as error:
        return error
    # What an interrupted removal leaves imports as a package of nothing.
    is_whole = getattr(found, "__version__", None)
    return found if is_whole else ImportError(f"only remains of {name} are there")


def torch_check() -> CheckResult:
    """Whether torch can be imported, and for what it was built."""
    found = loaded("torch")
    if isinstance(found, Exception):
        return _broken("torch", found, pip_install(*_again("torch"), "torch>=2.6"))
    build = build_of(found)
    return CheckResult(
        VERSIONS_GROUP,
        "torch",
        CheckState.OK,
        f"{found.__version__}, {build}",
        facts={"version": str(found.__version__), "build": build},
    )


def build_of(torch: ModuleType) -> str:
    """For which devices torch was built, in words."""
    if getattr(torch.version, "hip", None):
        return f"built for ROCm {torch.version.hip}"
    if torch.version.cuda:
        return f"built for CUDA {torch.version.cuda}"
    return "built for the CPU" + (" and MPS" if torch.backends.mps.is_built() else "")


def torchvision_check() -> CheckResult:
    """Whether torchvision can be imported, and was built for this torch."""
    torch = metadata_version("torch")
    there = metadata_version("torchvision")
    wanted = torch_wanted()
    if torch and there and wanted and not wanted.specifier.contains(torch, prereleases=True):
        said = f"{there} is built for torch {wanted.specifier}, and torch is {torch}"
        mend = _fitting(torch, newer=True)
        return CheckResult(VERSIONS_GROUP, "torchvision", CheckState.FAULT, said, (mend,))
    found = loaded("torchvision")
    if isinstance(found, Exception):
        again = pip_install(*_again("torchvision"), f"torchvision=={there}")
        return _broken("torchvision", found, again if there else _fitting(torch))
    said = f"{found.__version__}, which fits torch" if wanted else str(found.__version__)
    return CheckResult(
        VERSIONS_GROUP,
        "torchvision",
        CheckState.OK,
        said,
        facts={"version": str(found.__version__)},
    )


def metadata_version(name: str) -> str | None:
    """The version of an installed package; None: it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def torch_wanted() -> "Requirement | None":
    """The torch that the installed torchvision asks for; None: it says none."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(each) for each in metadata.requires("torchvision") or ()]
    except metadata.PackageNotFoundError:
        return None
    return next((each for each in needed if each.name == "torch"), None)


def _fitting(torch: str | None, *, newer: bool = False) -> str:
    """The command that installs the newest torchvision for the torch that is there."""
    kept = [f"torch=={torch.partition('+')[0]}"] if torch else []
    return pip_install(*(["--upgrade"] if newer else []), "torchvision", *kept)


def _again(name: str) -> tuple[str, ...]:
    """What pip needs to be told where a package is there, but broken."""
    return ("--force-reinstall", "--no-deps") if metadata_version(name) else ()


def _broken(name: str, error: Exception, mend: str) -> CheckResult:
    missing = isinstance(error, ModuleNotFoundError) and error.name == name
    said = "missing" if missing else f"cannot be imported ({brief_reason(error)})"
    return CheckResult(VERSIONS_GROUP, name, CheckState.FAULT, said, (mend,))
