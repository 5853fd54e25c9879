"""All checks of `gan doctor`, each on its own: one that breaks is a line, too."""

from collections.abc import Callable, Iterable
from pathlib import Path

from gancli.choices import DeviceName
from gancli.doctor.check_result import CheckResult, CheckState, brief_reason

Checks = Callable[[], Iterable[CheckResult]]


def examine(device: DeviceName | None = None, data_dir: Path | None = None) -> list[CheckResult]:
    """Look at everything.

    Args:
        device: one that must be usable; None: any will do.
        data_dir: the folder of named data sets, if it is another than usual.
    """
    return [
        *_guarded("versions", _versions),
        *_guarded("devices", lambda: _devices(device)),
        *_guarded("disk", lambda: _disk(data_dir)),
        *_guarded("caches", _caches),
        *_guarded("data", lambda: _data(data_dir)),
        *_guarded("weights", _weights),
    ]


# Imported one by one: what one check needs may be what is broken.
def _versions() -> Iterable[CheckResult]:
    from gancli.doctor.versions import version_checks

    return version_checks()


def _devices(device: DeviceName | None) -> Iterable[CheckResult]:
    from gancli.doctor.devices import device_checks

    return device_checks(device)


def _disk(data_dir: Path | None) -> Iterable[CheckResult]:
    from gancli.doctor.disk import disk_checks

    return disk_checks(data_dir)


def _caches() -> Iterable[CheckResult]:
    from gancli.doctor.disk import cache_checks

    return cache_checks()


def _data(data_dir: Path | None) -> Iterable[CheckResult]:
    from gancli.doctor.supplies import data_checks

    return data_checks(data_dir)


def _weights() -> Iterable[CheckResult]:
    from gancli.doctor.supplies import weight_checks

    return weight_checks()


def _guarded(group: str, checks: Checks) -> list[CheckResult]:
    """What the checks find, up to the first that breaks."""
    found: list[CheckResult] = []
    try:
        found.extend(checks())
    except Exception as error:  # a broken environment raises what it likes
        said = f"could not be looked at ({brief_reason(error)})"
        found.append(CheckResult(group, group, CheckState.FAULT, said))
    return found
