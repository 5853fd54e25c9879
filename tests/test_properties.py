"""What holds whatever is typed: presets, overrides and command lines, drawn at random.

The draws are the same in every run; `GANCLI_EXAMPLES=5000 pytest tests/test_properties.py` makes
that many new ones of each.
"""

import copy
import operator
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import tomlkit
from conftest import Gan
from helpers import Key, every_preset
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gancli import catalog
from gancli.catalog.fields import REMARKS, leaves
from gancli.catalog.merge import PLAYERS, TAGS, Table, lay_over
from gancli.errors import UsageError
from gancli.preset import Preset, change, load_preset, preset_differences, to_toml

Changes = dict[str, object]

EXAMPLES = int(os.environ.get("GANCLI_EXAMPLES", "0"))
RING: Key = ("gan", "ring8", "reference")


def draws(count: int) -> settings:
    """How often a property is tried."""
    return settings(
        max_examples=EXAMPLES or count,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


preset_of = cache(load_preset)


@cache
def values_of(key: Key) -> Table:
    """All fields and tables by path; but those below tables whose keys have dots."""
    found = leaves(preset_of(*key).model_dump(mode="json", exclude={"deviations"}))
    return {path: value for path, value in found.items() if ".init_by_layer." not in path}


def refusal(
    model: str,
    dataset: str | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
) -> str | None:
    """Why a preset is refused, if it is; anything but a UsageError passes through."""
    try:
        load_preset(model, dataset, variant, overrides)
    except UsageError as error:
        return str(error)
    return None


def names(sentence: str, path: str) -> bool:
    """Whether the sentence says which field is meant: by its path, or by its last part."""
    last = path.rpartition(".")[2]
    return path in sentence or re.search(rf"\b{re.escape(last)}\b", sentence) is not None


# --- wrong names and values ---

KEYS = st.sampled_from(every_preset())
FIELDS = KEYS.flatmap(lambda key: st.tuples(st.just(key), st.sampled_from(sorted(values_of(key)))))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ODD = st.sampled_from(
    ["", "[]", "{}", "[[]]", "[1,", "{a={b=1}}", "[{a=1}]", "[0.5]", "[0.5, 0.999, 1]", "[nan, 1]",
     "nan", "-inf", "1e999", "-0", "0x10", "1_000", "1e-400", "true", "yes", "0.5", "-1", "0", "1",
     "1979-05-27", "07:32:00", '"9"', "'", '"""', '"a', "= 3", "a = 3", "3\nb = 4", "3 # four",
     "None", "null", "\\", "\x00", "\u2028", "ring8", "9" * 400, "9" * 5000, "0x" + "f" * 5000,
     "[" * 3000, "{a=" * 3000, "[" * 30 + "]" * 30]
)  # fmt: skip
JUNK = ODD | TEXT | st.integers().map(str) | st.floats().map(str)


@draws(500)
@given(FIELDS, JUNK)
@example((RING, "prior.z_dim"), "[" * 3000)
@example((RING, "prior.z_dim"), "9" * 5000)
@example((RING, "prior.z_dim"), "0x" + "f" * 5000)
@example((RING, "prior.z_dim"), "\udcff")
@example((RING, "deviations.a.paper"), "inf")
@example((("lsgan", "mnist", "reference"), "schedule.generator_batch_size"), "1")
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    where: tuple[Key, str], value: str
) -> None:
    key, field = where
    said = refusal(*key, [f"{field}={value}"])
    # A field taken out may be what the table around it needs.
    around = "" if value.strip() else field.rpartition(".")[0]
    assert said is None or names(said, field) or (around and names(said, around)), said


@draws(100)
@given(FIELDS, st.data())
def test_a_misspelt_field_is_named(where: tuple[Key, str], data: st.DataObject) -> None:
    key, field = where
    parts = field.split(".")
    index = data.draw(st.integers(0, len(parts) - 1))
    place = data.draw(st.integers(0, len(parts[index])))
    skipped = data.draw(st.integers(0, 1))
    letter = data.draw(st.sampled_from(["", *"aest_1é"]))
    misspelt = parts[index][:place] + letter + parts[index][place + skipped :]
    assume(misspelt not in ".".join(values_of(key)).split("."))
    parts[index] = misspelt
    said = refusal(*key, [f"{'.'.join(parts)}=1"])
    assert said is not None
    assert misspelt in said


@draws(100)
@given(KEYS, st.data())
def test_any_overrides_together_are_read_or_refused(key: Key, data: st.DataObject) -> None:
    paths = st.sampled_from([*values_of(key), "optimizer", "optimizer.kind", "optimizer.lr"])
    overrides = data.draw(st.lists(st.builds("{}={}".format, paths, JUNK), max_size=4))
    refusal(*key, overrides)


@pytest.mark.parametrize("override", ["a." * 3000 + "b=1", "prior.z_dim=3\nprior.scale=4"])
def test_an_override_sets_one_field(override: str) -> None:
    assert refusal(*RING, [override]) is not None


@draws(100)
@given(TEXT)
@example("x" * 300)
@example("\0.toml")
def test_no_word_is_a_model_a_data_set_or_a_variant(word: str) -> None:
    assume(word not in set(chain.from_iterable(every_preset())))
    assert refusal(word) is not None
    assert refusal("gan", word) is not None
    assert refusal("gan", "ring8", word) is not None


# --- valid values ---

SHARE = st.floats(0, 1, exclude_max=True)
POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
COUNT = st.integers(2, 10**9)
# What may be set in every preset whose tables have the field, or lack the table.
VALID: dict[str, st.SearchStrategy[object]] = {
    "summary": TEXT,
    "paper": TEXT,
    "data.noise": st.floats(0, allow_infinity=False),
    "prior.z_dim": st.integers(1, 10**6),
    "prior.distribution": st.sampled_from(["normal", "uniform"]),
    "prior.scale": POSITIVE,
    "generator.optimizer.lr": POSITIVE,
    "discriminator.optimizer.lr": POSITIVE,
    "discriminator.network.norm": st.sampled_from(["none", "batch"]),
    "discriminator.network.slope": SHARE,
    "discriminator.network.spectral": st.booleans(),
    "discriminator.network.init": st.sampled_from(["default", "normal", "he"]),
    "schedule.steps": COUNT,
    "schedule.batch_size": COUNT,
    "schedule.discriminator_steps": st.integers(1, 10_000),
    "schedule.ema_decay": SHARE,
    "schedule.keep_every": COUNT,
    "objective.r1.weight": st.floats(allow_nan=False, allow_infinity=False),
    "objective.gradient_penalty.per_sample": st.booleans(),
    "objective.weight_clip.bound": POSITIVE,
}
CHANGES: st.SearchStrategy[Changes] = st.lists(
    st.sampled_from(sorted(VALID)), max_size=4, unique=True
).flatmap(lambda fields: st.fixed_dictionaries({field: VALID[field] for field in fields}))


def known(key: Key, changes: Changes) -> Changes:
    """The changes but for fields that the preset's network families do not have."""
    fields = values_of(key)
    return {p: v for p, v in changes.items() if ".network." not in p or p in fields}


def typed(changes: Mapping[str, object]) -> list[str]:
    """What is typed behind --set."""
    return [f"{path}={tomlkit.item(value).as_string()}" for path, value in changes.items()]


def plain(preset: Preset) -> Table:
    return leaves(preset.model_dump(mode="json"))


@draws(100)
@given(KEYS, CHANGES)
def test_what_is_set_holds_and_is_named_among_the_differences(key: Key, changes: Changes) -> None:
    changes, before = known(key, changes), preset_of(*key)
    after = change(before, typed(changes))
    assert {path: plain(after)[path] for path in changes} == changes
    changed = {
        path
        for path, value in changes.items()
        if plain(before).get(path) != value and path.partition(".")[0] not in REMARKS
    }
    said = {line.partition(":")[0] for line in preset_differences(before, after)}
    assert changed <= said
    # A term that is new brings its other fields.
    assert {path.rpartition(".")[0] for path in said} == {p.rpartition(".")[0] for p in changed}


@draws(100)
@given(key=KEYS, changes=CHANGES)
@example(key=RING, changes={"summary": "one\x07\r\ntwo"})
def test_a_changed_preset_is_shown_as_it_is(key: Key, changes: Changes) -> None:
    preset = load_preset(*key, typed(known(key, changes)))
    Path("my.toml").write_text(to_toml(preset), encoding="utf-8", newline="")
    assert load_preset("my.toml") == preset


@draws(100)
@given(KEYS, CHANGES)
def test_setting_the_same_twice_is_setting_it_once(key: Key, changes: Changes) -> None:
    changes = known(key, changes)
    once = load_preset(*key, typed(changes))
    assert load_preset(*key, typed(changes) * 2) == once
    assert change(once, typed(changes)) == once


@draws(100)
@given(KEYS, CHANGES, CHANGES)
def test_the_later_setting_wins(key: Key, first: Changes, second: Changes) -> None:
    first, second = known(key, first), known(key, second)
    both = load_preset(*key, typed(first) + typed(second))
    assert both == load_preset(*key, typed(first | second))
    assert not preset_differences(both, change(load_preset(*key, typed(first)), typed(second)))


@draws(50)
@given(KEYS, st.permutations([*PLAYERS, ""]), st.lists(POSITIVE, min_size=3, max_size=3))
def test_the_later_rate_wins_though_one_is_for_all(
    key: Key, order: list[str], rates: list[float]
) -> None:
    paths = [f"{player}.optimizer.lr".removeprefix(".") for player in order]
    preset = load_preset(*key, typed(dict(zip(paths, rates, strict=True))))
    for name, player in preset.players().items():
        last = max(order.index(each) for each in (name, "") if each in order)
        assert player.optimizer.lr == rates[last]


@draws(50)
@given(CHANGES)
def test_what_is_taken_out_stays_out_whatever_else_is_set(changes: Changes) -> None:
    taken_out = ["objective.vanilla=", "objective.hinge.weight=1", "optimizer.lr=0.5"]
    preset = load_preset(*RING, typed(changes) + taken_out)
    assert "vanilla" not in preset.objective.parts


# --- tables laid over each other ---

NAMES = st.sampled_from(["a", "b", "optimizer", *PLAYERS])
LEAVES = st.integers(0, 3) | st.sampled_from(["x", "y"]) | st.just([1])


def tables(values: st.SearchStrategy[object]) -> st.SearchStrategy[Table]:
    tags = st.dictionaries(st.sampled_from(TAGS), values)

    def around(below: st.SearchStrategy[object]) -> st.SearchStrategy[Table]:
        return st.builds(operator.or_, st.dictionaries(NAMES, below, max_size=4), tags)

    return around(st.recursive(values, around, max_leaves=10))


BASES = tables(LEAVES).map(lambda table: {k: v for k, v in table.items() if k != "optimizer"})
LAYERS = tables(LEAVES | st.none())


@draws(150)
@given(BASES, LAYERS)
def test_laying_a_table_over_twice_is_laying_it_over_once(base: Table, layer: Table) -> None:
    before = copy.deepcopy((base, layer))
    once = lay_over(base, layer)
    assert lay_over(once, layer) == once
    assert lay_over(base, {}) == base
    assert (base, layer) == before


@draws(150)
@given(BASES, LAYERS)
def test_what_a_layer_says_holds_and_what_it_takes_out_is_gone(base: Table, layer: Table) -> None:
    over = leaves(lay_over(base, layer))
    for path, value in leaves(layer).items():
        if not isinstance(value, Mapping) and not path.startswith("optimizer"):
            assert over.get(path) == value


# --- files ---

SECTIONS = ["name", "summary", "paper", "datasets", "dataset", "variant", "data", "prior", "on",
            "generator", "discriminator", "network", "optimizer", "objective", "schedule", "kind",
            "deviations", "expected", "variants", "instead", "ring8", "lr", "steps", "weight",
            "family", "vanilla", "z_dim", "lite"]  # fmt: skip
SCALARS: st.SearchStrategy[object] = st.one_of(
    TEXT, st.sampled_from(["gan", "ring8", "adam", "mlp", "mixture", "lite", "../gan"]),
    st.integers(), st.floats(), st.booleans(), st.dates(), st.times(),
)  # fmt: skip
TREES: st.SearchStrategy[object] = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(SECTIONS) | TEXT, below, max_size=4)
    ),
)
DATASETS = st.sampled_from([None, "ring8", "mnist", "cifar10", "nowhere"])
VARIANTS = st.sampled_from([None, "paper"])


@cache
def tables_of_files() -> list[Table]:
    return [
        *map(catalog.read_toml, sorted(catalog.preset_folder().glob("*.toml"))),
        *(tomllib.loads(to_toml(preset_of(*key))) for key in every_preset()),
    ]


# Made where it is first drawn from: all who collect tests would wait for it.
TABLES_OF_FILES = st.deferred(lambda: st.sampled_from(tables_of_files()))


def refusal_of(
    content: bytes, dataset: str | None = None, variant: str | None = None
) -> str | None:
    """Why a preset file with this content is refused, if it is."""
    Path("my.toml").write_bytes(content)
    return refusal("my.toml", dataset, variant)


@draws(100)
@given(st.one_of(st.binary(), TEXT.map(str.encode), JUNK.map("prior = {}".format).map(str.encode)))
def test_a_file_of_nonsense_is_refused(content: bytes) -> None:
    assert refusal_of(content) is not None


@draws(150)
@given(st.dictionaries(st.sampled_from(SECTIONS) | TEXT, TREES, max_size=8), DATASETS)
@example({"name": "my", "summary": "", "paper": "", "datasets": ["\0"]}, None)
def test_a_file_of_any_tables_is_refused(table: Table, dataset: str | None) -> None:
    assert refusal_of(tomlkit.dumps(table).encode(), dataset) is not None


@draws(150)
@given(TABLES_OF_FILES, st.data(), DATASETS, VARIANTS)
def test_a_file_with_one_place_changed_is_refused_or_shown_as_it_is(
    table: Table, data: st.DataObject, dataset: str | None, variant: str | None
) -> None:
    changed = below = copy.deepcopy(table)
    key = data.draw(st.sampled_from(sorted(below)))
    while isinstance(below[key], dict) and below[key] and data.draw(st.booleans()):
        below = below[key]
        key = data.draw(st.sampled_from(sorted(below)))
    below[key] = data.draw(TREES)
    if refusal_of(tomlkit.dumps(changed).encode(), dataset, variant) is None:
        preset = load_preset("my.toml", dataset, variant)
        assert refusal_of(to_toml(preset).encode()) is None
        assert load_preset("my.toml") == preset


# --- command lines ---

SIZES = ("network", "width", "dim", "multipliers", "z_dim")
"""What would make networks of any size: slow ones, or larger than the memory."""
SMALL = [f"--set={player}.network.width=8" for player in PLAYERS]
SETTINGS = st.builds(
    "{}={}".format,
    st.sampled_from([path for path in values_of(RING) if not path.endswith(SIZES)]) | TEXT,
    JUNK,
)
MODELS = st.sampled_from(
    ["gan", "lsgan", "sngan", "dcgan", "ganz", "my.toml", "bad.toml", "no.toml"]
)
NUMBERS = st.sampled_from(["1", "8", "0", "-1", "2.5", "1e3", "9" * 30, "٣", "²", "many"])
PATHS = st.sampled_from([".", "/", "my.toml", "nowhere", "my.toml/x", "runs", "~"]) | TEXT
SEEDS = st.sampled_from(["0-7,42", "0", "7-0", "0,0", "-", "1-", "٣", "²", ","]) | TEXT
DEVICES = st.sampled_from(["cpu", "cuda", "mps", "tpu"])
Options = dict[str, st.SearchStrategy[str] | None]
"""Options and what is drawn as their value; a flag has none."""
SHOWING: Options = {
    "--dataset": st.sampled_from(["ring8", "grid25-veegan", "mnist", "ring"]),
    "--variant": st.sampled_from(["reference", "paper", "lite", "papr"]),
    "--set": SETTINGS,
}
SITTING: Options = {"--device": DEVICES, "--threads": NUMBERS, "--data-dir": PATHS}
TRAINING: Options = {
    **SHOWING,
    **SITTING,
    "--steps": NUMBERS,
    "--seed": NUMBERS,
    "--precision": st.sampled_from(["fp32", "fp64", "bf16", "fp8"]),
    "--out": PATHS,
    **dict.fromkeys(["--deterministic", "--resume", "--allow-changes", "--force"]),
}
STARTING: Options = {name: of for name, of in TRAINING.items() if name != "--resume"}
"""Without what would train where there is no run yet."""
SAMPLING: Options = {
    "--count": NUMBERS,
    "--seeds": SEEDS,
    "--batch-size": NUMBERS,
    "--format": st.sampled_from(["npz", "zip", "folder", "jpg"]),
    "--checkpoint": NUMBERS | st.just("last"),
    "--device": DEVICES,
    "--out": PATHS,
    **dict.fromkeys(["--grid", "--raw", "--force"]),
}
# What keeps a command from training stands first, where nothing can swallow it.
COMMANDS: list[tuple[list[str], Options]] = [
    (["train", "--dry-run", "gan", "--dataset", "ring8", *SMALL], TRAINING),
    (["train", "--dry-run", *SMALL], TRAINING),
    (["train", "--allow-changes", "gan", "--dataset", "ring8"], STARTING),
    (["presets", "show"], SHOWING),
    (["presets", "show", "gan", "--dataset", "ring8"], SHOWING),
    (["presets"], {}),
    (["sample"], SAMPLING),
    (["resume"], SITTING),
    (["status"], {}),
    (["statsu"], {}),
]


def lines(begun: list[str], options: Options) -> st.SearchStrategy[list[str]]:
    """A command with its own options and values, mostly, and words that are none of them."""
    own = [
        st.tuples(st.just(name)) if values is None else st.tuples(st.just(name), values)
        for name, values in options.items()
    ]
    strange = st.sampled_from([*TRAINING, *SAMPLING, "-x", "--", "-", "", "--help"])
    words = st.lists(st.one_of(*own, *own, st.tuples(MODELS | TEXT | strange)), max_size=4)
    return words.map(lambda drawn: [*begun, *chain.from_iterable(drawn)])


@draws(300)
@given(line=st.sampled_from(COMMANDS).flatmap(lambda command: lines(*command)))
@example(line=["presets", "show", "gan", "--dataset", "ring8", "--set", "two\nlines=1"])
@example(line=[*COMMANDS[0][0], "--set", f"schedule.discriminator_steps={10**20}"])
def test_any_command_line_ends_well_or_in_a_sentence(line: list[str], gan: Gan) -> None:
    Path("my.toml").write_text(to_toml(preset_of(*RING)))
    Path("bad.toml").write_text("name = 3")
    code, _, err = gan(*line)
    assert code in (0, 2, 3, 4), err
    assert re.fullmatch("gan: .+\n" if code else "", err), err
    assert sorted(path.name for path in Path().iterdir()) == ["bad.toml", "my.toml"]
