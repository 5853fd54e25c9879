"""Try garbage for some minutes; every find is kept with its seed and its files."""

import argparse
import itertools
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from fuzz.cases import KINDS  # noqa: E402
from fuzz.harness import Place, call, faults  # noqa: E402


def tried(seed: int, folder: Path) -> tuple[str, tuple[str, ...], list[str]]:
    """Make the case of a seed in a folder, and run it.

    Returns:
        Its kind and exit code, its command, and what was wrong.
    """
    dice = random.Random(seed)
    kind = dice.choice(list(KINDS))
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(folder)
    place.make()
    case = KINDS[kind](dice, place.work)
    before, size = place.outside(), place.size()
    ended = call(place, case.arguments)
    return (
        f"{kind}, exit {ended.code}",
        case.arguments,
        faults(place, ended, before, size, long=case.long),
    )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(seed: int, wrong: list[str], what: str, arguments: tuple[str, ...], said: str) -> None:
    """Print a find, with the last line that the command printed."""
    say(f"seed {seed}: {'; '.join(wrong)}: {what}: gan {' '.join(map(ascii, arguments))}")
    say(f"  {ascii(said.strip().splitlines()[-1])[:300] if said.strip() else ''}")


def read_options() -> argparse.Namespace:
    """The command line."""
    asked = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    asked.add_argument("--minutes", type=float, default=20)
    asked.add_argument("--count", type=int, help="how many, however long they take")
    asked.add_argument("--seed", type=int, help="only this one; what it printed is shown")
    asked.add_argument("--from", dest="start", type=int, default=int(time.time()))
    asked.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz")
    return asked.parse_args()


def main() -> int:
    """Try seed after seed; 1: there are finds."""
    chosen = read_options()
    torch.set_num_threads(1)
    tries, finds = Counter[str](), 0
    start, count = (chosen.start, chosen.count) if chosen.seed is None else (chosen.seed, 1)
    ends = time.monotonic() + chosen.minutes * 60
    for seed in itertools.count(start):
        if tries.total() == count or (count is None and time.monotonic() > ends):
            break
        folder = chosen.keep / str(seed)
        what, arguments, wrong = tried(seed, folder)
        tries[what] += 1
        said = (folder / "said.txt").read_text(errors="replace")
        if wrong:
            finds += 1
            tell(seed, wrong, what, arguments, said)
        if chosen.seed is not None:
            say(said)
        elif not wrong:
            shutil.rmtree(folder)
        if tries.total() % 100 == 0:
            left = max(0, ends - time.monotonic())
            say(f"{tries.total()} cases, {finds} finds, {left / 60:.1f} min to go")
    say(f"{tries.total()} cases from seed {start}, {finds} finds")
    for what, many in sorted(tries.items()):
        say(f"{many:6} {what}")
    return int(finds > 0)


if __name__ == "__main__":
    sys.exit(main())
