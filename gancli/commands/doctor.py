"""`gan doctor`."""

from pathlib import Path

from gancli.choices import DeviceName
from gancli.doctor.check_result import CheckState
from gancli.doctor.examine import examine
from gancli.errors import NotReadyError
from gancli.plurals import counted
from gancli.report.console import print_json, say
from gancli.report.doctor_table import checks_as_json, print_checks


def doctor(device: DeviceName | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Print what stands in the way on this machine, and what to type.

    Args:
        device: one that must be usable.
        data_dir: the folder of named data sets.
        as_json: print JSON.

    Raises:
        NotReadyError: something stands in the way.
    """
    found = examine(device, data_dir)
    faults = [each for each in found if each.state == CheckState.FAULT]
    if as_json:
        print_json(checks_as_json(found, ok=not faults))
    else:
        print_checks(found)
    if faults:
        things = counted(len(faults), "thing stands", "things stand")
        names = ", ".join(dict.fromkeys(each.name for each in faults))
        raise NotReadyError(f"{things} in the way ({names}): the table says what to type")
    if not as_json:
        say("nothing stands in the way")
