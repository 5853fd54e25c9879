"""In which fields presets differ, told by the shortest names that tell them apart."""

import tomllib

from gancli.catalog.fields import FieldValues, field_differences, trained_values
from gancli.preset import change, load_preset, to_toml
from gancli.preset.field_names import override_fields


def differing(model: str, *changes: list[str], dataset: str = "ring8") -> dict[str, list[object]]:
    """The differences of a preset changed in several ways."""
    base = load_preset(model, dataset)
    tables = [tomllib.loads(to_toml(change(base, each))) for each in changes]
    return {each.name: [*each.values] for each in field_differences(tables)}


def test_names_are_as_short_as_they_may_be() -> None:
    assert differing("gan", [], ["schedule.steps=7"]) == {"steps": ["5000", "7"]}
    one = ["generator.optimizer.lr=1e-3"]
    assert differing("gan", one, ["generator.optimizer.lr=0.5"]) == {
        "generator.optimizer.lr": ["0.001", "0.5"]
    }
    # What all players have and share is said once.
    assert differing("gan", ["lr=1e-3"], ["lr=2e-3"]) == {"lr": ["0.001", "0.002"]}
    assert differing("gan", ["lr=1e-3"], ["lr=2e-3"], ["lr=2e-3", *one]) == {
        "generator.optimizer.lr": ["0.001", "0.002", "0.001"],
        "discriminator.optimizer.lr": ["0.001", "0.002", "0.002"],
    }


def test_a_short_name_is_one_that_set_takes() -> None:
    base = load_preset("wgan-gp", "ring8")
    changes = ["lr=0.5", "steps=7", "gradient_penalty.weight=3.0", "z_dim=5", "betas=[0.1,0.2]"]
    table = tomllib.loads(to_toml(base))
    changed = tomllib.loads(to_toml(change(base, changes)))
    found = field_differences([table, changed])
    assert len(found) == len(changes)
    typed = [f"{each.name}={each.values[1]}" for each in found]
    assert trained_values(override_fields(table, typed, "it")) == trained_values(changed)


def test_periods_names_and_remarks_do_not_count() -> None:
    assert differing("gan", [], ["log_every=7", "preview_every=9", "keep_newest=2"]) == {}
    table = tomllib.loads(to_toml(load_preset("gan", "ring8")))
    assert field_differences([table, table | {"name": "other", "paper": "?", "variant": "x"}]) == []
    assert field_differences([table]) == []


def test_of_kinds_and_terms_it_tells_no_more_than_which() -> None:
    found = differing("gan", [], ["objective.vanilla=", "objective.hinge={}"], ["objective.r1={}"])
    assert found == {"objective": ["vanilla", "hinge", "vanilla + r1"]}
    sgd = ["generator.optimizer={kind='sgd', lr=0.1}"]
    found = differing("gan", [], sgd)
    assert found["generator.optimizer.kind"] == ["adam", "sgd"]
    assert not [name for name in found if "betas" in name or "momentum" in name]
    # The fields of a term count where several have it.
    weights = [f"objective.r1.weight={weight}" for weight in (1.0, 2.0)]
    found = differing("gan", [], weights[:1], weights[1:])
    assert found["r1.weight"] == [None, "1.0", "2.0"]
    assert found["objective"] == ["vanilla", "vanilla + r1", "vanilla + r1"]


def test_a_field_that_is_not_set_differs() -> None:
    tables: list[dict[str, object]] = [
        {"schedule": {"steps": 1}},
        {"schedule": {"steps": 1, "warmup": {"steps": 3}}},
    ]
    assert field_differences(tables) == [FieldValues("warmup.steps", ["not set", "3"])]
