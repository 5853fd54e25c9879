"""Folders, zips and npz files of images, as people have them and worse."""

import io
import json
import os
import random
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .garbage import TEXTS, changed_bytes, changed_tree

FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM")
MODES = ("L", "RGB", "RGBA", "P", "1", "I;16", "LA", "CMYK", "F", "I")
ENDINGS = (".png", ".jpg", ".JPG", ".gif", ".tif", ".webp", ".jfif", ".heic", "", ".txt", ".eps")
POISON = b"cos\nsystem\n(S'touch ../poisoned'\ntR."
"""A pickle that leaves a file outside, should anything load it."""
NOT_IMAGES = (b"", b"<html></html>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", POISON)


def image(dice: random.Random) -> bytes:
    """A small image file, or what is left of it."""
    if dice.random() < 0.03:
        return dice.choice(NOT_IMAGES)
    side, mode = dice.choice([(16, 16), (20, 24), (1, 1), (33, 16)]), dice.choice(MODES)
    drawn = Image.frombytes("L", side, dice.randbytes(side[0] * side[1]))
    out = io.BytesIO()
    try:
        drawn.convert(mode).save(out, dice.choice(FORMATS))
    except (OSError, ValueError):
        drawn.save(out, "PNG")
    content = out.getvalue()
    return changed_bytes(dice, content) if dice.random() < 0.05 else content


def name(dice: random.Random, index: int) -> str:
    """A file's name, sometimes within a folder or two."""
    odd = dice.choice(TEXTS) if dice.random() < 0.15 else ""
    stem = f"{index}{odd}".replace("/", "_").replace("\0", "_")[:120]
    folders = dice.choice(
        [(), ("a",), ("b",), (dice.choice(["0", "1", "00000", "10"]),), ("a", "b")]
    )
    if dice.random() < 0.1:
        folders = (dice.choice(TEXTS).replace("/", "_")[:100] or "_",)
    return "/".join([*folders, stem + (".png" if dice.random() < 0.6 else dice.choice(ENDINGS))])


def named(dice: random.Random) -> dict[str, bytes]:
    """Images by their names, and perhaps labels for them."""
    found = {name(dice, index): image(dice) for index in range(dice.randint(0, 12))}
    if dice.random() < 0.3:
        labels = [[each, dice.choice([0, 1, 2, 7])] for each in found]
        table: Any = {"labels": labels, "class_names": ["a", "b", "c"]}
        table = changed_tree(dice, table, dice.randint(0, 3))
        found[dice.choice(["dataset.json", "a/dataset.json"])] = json.dumps(table).encode()
    return found


def folder(dice: random.Random, path: Path) -> None:
    """A folder of them, with what else lies about on a disk."""
    path.mkdir()
    for each, content in named(dice).items():
        place = path / os.fsdecode(each.encode(errors="surrogatepass"))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        except OSError:
            continue
    for odd in dice.sample(ODDITIES, dice.randint(0, 2)):
        odd(path)


def _lost(path: Path) -> None:
    (path / "lost.png").symlink_to("nowhere.png")


def _loop(path: Path) -> None:
    (path / "loop").symlink_to(".")


def _up(path: Path) -> None:
    (path / "up").symlink_to("..")


def _pipe(path: Path) -> None:
    os.mkfifo(path / "pipe.png")


def _socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s.png")
    os.chdir(before)


def _called_so(path: Path) -> None:
    (path / "folder.png").mkdir(exist_ok=True)


def _not_utf8(path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(path) + b"/\xff\xfe.png"))).write_bytes(b"")


ODDITIES: tuple[Callable[[Path], None], ...] = (
    *(_lost, _loop, _up, _pipe, _socket, _called_so, _not_utf8),
)


def archive(dice: random.Random, path: Path) -> None:
    """A zip of them, some members of which lie."""
    with zipfile.ZipFile(path, "w", dice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as out:
        for each, content in named(dice).items():
            said = each.encode(errors="replace").decode()
            if dice.random() < 0.05:
                said = dice.choice(["../", "/", "C:", "..\\", "__MACOSX/", "\x1b"]) + said
            out.writestr(zipfile.ZipInfo(said), content)
        if dice.random() < 0.1:
            out.writestr("zeros.png", bytes(2**26))
        if dice.random() < 0.2:
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w") as nested:
                nested.writestr("n.png", image(dice))
            out.writestr("inner.zip", inner.getvalue())
    if dice.random() < 0.3:
        path.write_bytes(changed_bytes(dice, path.read_bytes()))


def arrays(dice: random.Random, path: Path) -> None:
    """An npz of them, with shapes, types and labels of all kinds."""
    count = dice.choice([0, 1, 5, 12])
    shape = dice.choice([(16, 16), (16, 16, 3), (16, 16, 1), (3, 16, 16), (0, 16, 3), ()])
    kind = (
        "uint8" if dice.random() < 0.6 else dice.choice(["float32", "int64", "bool", "U3", "c16"])
    )
    members: dict[str, Any] = {
        dice.choice(["images", "images", "arr_0", "x"]): np.zeros((count, *shape), kind)
    }
    if dice.random() < 0.6:
        odd = [np.arange(count) * 700, np.ones((count, 1), "u1"), np.full(count, np.nan)]
        odd += [np.array(["é"] * count), np.arange(count) - 1, np.zeros(count + 1, "i8")]
        members[dice.choice(["labels", "label", "y"])] = dice.choice(odd)
    np.savez(path, **members)
    if dice.random() < 0.3:
        _add(dice, path)
    if dice.random() < 0.3:
        path.write_bytes(changed_bytes(dice, path.read_bytes()))


def _add(dice: random.Random, path: Path) -> None:
    """A member that claims much, or is a pickle."""
    claim = b"\x93NUMPY\x01\x00v\x00"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({2**36}, 1, 1), }}"
    content = dice.choice([claim + header.ljust(117).encode() + b"\n", POISON, b""])
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(dice.choice(["more.npy", "labels.npy", "images", "class_names.npy"]), content)


MAKERS: dict[str, Callable[[random.Random, Path], None]] = {
    "set": folder,
    "set.zip": archive,
    "set.npz": arrays,
}
"""What makes images at a path of this name."""
