"""The formats that `gan sample` writes: what each is called, holds and is encoded as; no torch.

A further format of pictures, such as WebP, is a name and a line here.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple


class FormatName(StrEnum):
    """How samples are written."""

    FOLDER = "folder"
    NPZ = "npz"
    ZIP = "zip"


class SampleFormat(NamedTuple):
    """One way to write samples."""

    container: Literal["folder", "npz", "zip"]
    """a file for each sample; one array; or a zip of files with dataset.json"""
    suffix: str = ""
    """of each picture's file, with its dot; empty: there are none"""
    pillow: Mapping[str, Any] = MappingProxyType({})
    """what Pillow's `Image.save` is told of a picture"""


_PNG = MappingProxyType({"format": "png", "compress_level": 1})
"""zlib's fastest level: a fiftieth larger files of photographs than by default, in half the time"""
SAMPLE_FORMATS: Mapping[FormatName, SampleFormat] = MappingProxyType(
    {
        FormatName.FOLDER: SampleFormat("folder", ".png", _PNG),
        FormatName.ZIP: SampleFormat("zip", ".png", _PNG),
        FormatName.NPZ: SampleFormat("npz"),
    }
)
SEEDS_KEY, LABELS_KEY = "seeds", "labels"
"""Arrays of an npz next to that of the samples."""
ADM_IMAGES_KEY, ADM_LABELS_KEY = "arr_0", "arr_1"
"""Images and labels in the npz that ADM's tools read and write (Dhariwal and Nichol 2021)."""
_SUFFIXES = sorted({re.escape(each.suffix) for each in SAMPLE_FORMATS.values() if each.suffix})
SAMPLE_FILE = re.compile(rf"\d{{6,}}({'|'.join(_SUFFIXES)})|samples\.(npz|zip)|dataset\.json")
"""The files of a folder of samples."""
