"""Values, texts, tables and bytes that nobody means."""

import json
import random
from collections.abc import Callable
from typing import Any

TEXTS = (
    *("", " ", "-", "--", "-1", "a b", "it's", '"', "a\nb", "\x1b[31mred", "\x07", "\u202f", ".."),
    *("/", "../../out", "~", "~nobody/x", "$HOME", "*", "%s", "{}", "[]", "a=b", "=", "a.b.c"),
    *(".", "#", "None", "null", "nan", "inf", "true", "0x10", "1e999", "\uff19", "é", "e\u0301"),
    *("\ud83d\ude00", "con", "a:b", "a\\b", "a" * 300, "\u200b", "\u2028"),
    *("1,2,,3", "\ufeff", "gan", "ring8"),
)  # fmt: skip
NUMBERS = (
    *(0, 1, 2, 3, -1, 7, 10, 64, 255, 256, 1000, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30),
    *(0.0, -0.0, 0.5, 1e-300, 1e300, -1.5, float("nan"), float("inf"), float("-inf")),
)
OTHERS: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: [],
    dict,
    lambda: [[]],
    lambda: {"kind": "gan"},
    lambda: [1, "a", None],
)


def value(dice: random.Random) -> Any:  # noqa: ANN401
    """Anything that JSON can hold, often small."""
    kind = dice.random()
    if kind < 0.4:
        return dice.choice(TEXTS)
    return dice.choice(NUMBERS) if kind < 0.8 else dice.choice(OTHERS)()


def like(dice: random.Random, old: Any) -> Any:  # noqa: ANN401
    """Another value that the field may well allow."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return dice.choice([old + 1, old * 2, 1, 2, 3, max(1, old // 2), 0])
    if isinstance(old, float):
        return dice.choice([old / 2, old * 1.5, 0.5, 1.0, 0.0, 1e-3])
    if isinstance(old, list) and old:
        return [like(dice, each) if dice.random() < 0.5 else each for each in old]
    return old


def near(dice: random.Random, old: Any) -> Any:  # noqa: ANN401
    """Something else of the same kind, or of another."""
    if dice.random() < 0.3:
        return value(dice)
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        return dice.choice([old + 1, -old, old * 1000, old / 3, 0, *NUMBERS])
    if isinstance(old, str):
        at = dice.randrange(len(old) + 1)
        return dice.choice(
            [old[:at], old[:at] + dice.choice(TEXTS) + old[at:], old.upper(), old * 2]
        )
    if isinstance(old, list):
        return dice.choice([old[::-1], old * 2, old[:1], [*old, value(dice)]])
    return value(dice)


def changed_tree(dice: random.Random, tree: Any, times: int = 1) -> Any:  # noqa: ANN401
    """A copy of a table or list with some places changed, removed, renamed or added."""
    tree = json.loads(json.dumps(tree))
    for _ in range(times):
        tree = _changed(dice, tree)
    return tree


def _changed(dice: random.Random, tree: Any) -> Any:  # noqa: ANN401
    if not isinstance(tree, dict | list) or not tree or dice.random() < 0.1:
        return near(dice, tree)
    key = dice.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    what = dice.random()
    if what < 0.1:
        del tree[key]
    elif what < 0.2 and isinstance(tree, dict):
        tree[dice.choice(TEXTS)] = tree.pop(key)
    elif what < 0.3 and isinstance(tree, dict):
        tree[dice.choice(TEXTS)] = value(dice)
    else:
        tree[key] = _changed(dice, tree[key])
    return tree


def changed_bytes(dice: random.Random, content: bytes) -> bytes:
    """Cut, overwritten, doubled, or with a few bits turned."""
    found = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(found) + 1)
        what = dice.randrange(5)
        if what == 0:
            del found[at:]
        elif what == 1:
            found[at : at + 4] = dice.randbytes(dice.randint(0, 8))
        elif what == 2:
            found[at:at] = found[: dice.randint(0, 64)]
        elif what == 3:
            del found[at : at + dice.randint(1, 64)]
        elif at < len(found):
            found[at] ^= 1 << dice.randrange(8)
    return bytes(found)


def in_toml(what: Any) -> str:  # noqa: ANN401
    """As it is typed behind --set; some of it is no TOML."""
    return what if isinstance(what, str) else json.dumps(what)
