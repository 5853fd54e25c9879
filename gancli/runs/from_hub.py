"""Runs on the Hugging Face hub: the files of one that are passed on, and where they are then."""

from pathlib import Path

from gancli.checkpoint import load
from gancli.hub import Repository, refuse_foreign, snapshot
from gancli.runs.folder import LAST, Run

PASSED_ON = (
    "README.md",
    "preset.toml",
    "metrics.jsonl",
    "evaluations.jsonl",
    "evaluation.json",
    "samples.png",
    "checkpoints/step-*.safetensors",
)
"""The files of a run that are passed on, with `*`; no other file is ever downloaded."""


def run_on_hub(wanted: Repository) -> Run:
    """A run's files in the cache, its last checkpoint verified to the last byte.

    Raises:
        UsageError: the hub's package is not installed.
        NetworkError: the hub cannot be reached, or has no such repository.
        RunError: it holds no checkpoint, or a damaged one.
    """
    folder = snapshot(wanted, list(PASSED_ON))
    refuse_foreign(wanted, folder)
    run = Run(folder)
    load(run.checkpoint(LAST))
    return run


def last_checkpoint_on_hub(wanted: Repository) -> Path:
    """The file of its last checkpoint, in the cache; raises what `run_on_hub` does."""
    return run_on_hub(wanted).checkpoint(LAST)
