"""No change of the code moves a number of training: every preset, eight steps."""

from pathlib import Path

import pytest
from fingerprints import differences, of_preset, recorded
from helpers import Key, every_preset, preset_id

RECORDED = recorded()


@pytest.mark.parametrize(
    "key", [k for k in every_preset() if preset_id(k) in RECORDED], ids=preset_id
)
def test_training_comes_to_the_recorded_sums(key: Key, tmp_path: Path) -> None:
    """Networks, their average, optimisers, logged losses and scores, to nine digits."""
    assert not differences(of_preset(key, tmp_path / "run"), RECORDED[preset_id(key)])


def test_no_preset_leaves_unnoticed() -> None:
    """A new one need not be recorded; one that was is still there."""
    assert len(RECORDED) >= 73 and RECORDED.keys() <= {preset_id(key) for key in every_preset()}


def test_a_small_difference_is_told() -> None:
    """A sum, a square, a loss, a missing network and a new one."""
    was = {"sums": {"generator": [1.0, 4.0]}, "log": [{"step": 3.0, "loss_generator": 0.5}]}
    assert not differences(was, was)
    for pair in ([1.0 + 4e-9, 4.0], [1.0, 4.0 + 8e-9]):
        assert len(differences(was | {"sums": {"generator": pair}}, was)) == 1
    log = [{"step": 3.0, "loss_generator": 0.5 + 2e-9}]
    assert len(differences(was | {"log": log}, was)) == 1
    gauged, other = (
        was | {"log": [{"step": 3.0, "loss_generator": 0.5, name: 1.0}]}
        for name in ("generator.health.gradient_norm", "other")
    )
    assert not differences(gauged, was)
    assert [len(differences(*pair)) for pair in ((was, gauged), (other, was))] == [1, 1]
    more = {"sums": {"generator": [1.0, 4.0], "ema": [1.0, 4.0]}}
    assert len(differences(was | more, was)) == 1
    assert len(differences(was, was | more)) == 1
