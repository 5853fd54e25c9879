"""The files that a run, its sampling and its traversals write: no other is ever removed."""

import re
from itertools import chain
from pathlib import Path

from gancli.sample_formats import SAMPLE_FILE

TRAVERSAL_FILE = re.compile(
    r"(axes|seed|label|label-blend|category|held|code\d+|L\d+D\d+)\.(png|gif)|traverse\.html|traversal\.json"
    r"|walk\.(webp|gif|mp4|png|html|json)|latents\.npz"
)
"""The files of a folder of traversals."""
BINS_FILE = "bins.png"
"""Real images that the samples lack, as of the last look."""
_OWN = re.compile(
    r"(preset\.toml|(metrics|timing|evaluations)\.jsonl|metrics\.csv|logger-name|bins\.png|report\.html|film\.(gif|webp|mp4)|evaluation\.json|[\w-]+-step-\d+\.png|tensorboard/events\.[^/]+|checkpoints/step-\d+\.safetensors|previews/step-\d+\.png"
    r"|figures/[\w-]+\.(png|svg|pdf)"
    r"|exports/[\w.-]+-step-\d+(-raw)?(-(bf|fp)16)?\.(safetensors|onnx|pt2?)"
    rf"|samples/step-\d+-seeds-[^/]+(/([^/]+/)?({SAMPLE_FILE.pattern})|-grid\.png|-picker\.html|-latents\.npz)"
    rf"|traversals/step-\d+-seeds-[^/]+/({TRAVERSAL_FILE.pattern}))(\.partial)?"
)
"""The files a run, its sampling and its traversals write, relative to the run's folder."""


def own_files(folder: Path) -> list[Path]:
    """Those in a run's folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if _OWN.fullmatch(path.relative_to(folder).as_posix())]


def remove_empty_folders(folder: Path) -> None:
    """Remove those of samples and traversals: a class's would be in the way of the next ones."""
    made = [(folder / name).rglob("*") for name in ("samples", "traversals")]
    for below in sorted(chain.from_iterable(made), reverse=True):
        if below.is_dir() and not any(below.iterdir()):
            below.rmdir()
