"""What a preset file promises: whatever it says is looked at, and nothing else is asked of it."""

from collections.abc import Iterator

from gancli import catalog
from gancli.catalog import PresetFile
from gancli.catalog.fields import leaves
from gancli.catalog.preset_files import OWN
from gancli.errors import UsageError
from gancli.networks.summary import parameter_count
from gancli.preset import Preset, load_preset
from gancli.state import build_players

REFERENCE = "reference"
UNDESCRIBED = {REFERENCE, "paper", "lite"}
"""Variants that docs/presets.md describes once for all models; others describe themselves."""
SCORES = ("fid", "inception_score", "intra_fid")


def faults_of(model: str) -> list[str]:
    """What a preset file says that is not so."""
    file = catalog.preset_file(model)
    names = list(_faults_of_names(file))
    return names or [
        f"{dataset}, {variant}: {fault}"
        for dataset in file.datasets
        for variant in file.variants_on(dataset)
        for fault in _faults_of_preset(file, dataset, variant)
    ]


def _faults_of_names(file: PresetFile) -> Iterator[str]:
    """Tables under names that nothing reads."""
    sets = set(catalog.dataset_names())
    read = {OWN, *(table for dataset in file.datasets for table in file.lineage(dataset))}
    for table, known in (
        ("datasets", {*file.datasets} - sets),
        ("instead", {*file.instead} - sets),
        ("tables", {*file.tables} - {*file.datasets}),
        ("on", {*file.on} - read),
        ("parameters", {*file.parameters} - {*file.datasets}),
        *((f"variants.{name}.on", {*said.on} - read) for name, said in file.variants.items()),
        *(
            (f"variants.{name}.parameters", {*said.parameters} - {*file.datasets})
            for name, said in file.variants.items()
        ),
    ):
        yield from (f"{table}.{name}: no data set of this model" for name in known)
    for dataset, other in file.instead.items():
        if other not in catalog.model_names() or dataset not in catalog.preset_file(other).datasets:
            yield f"instead.{dataset}: {other} has no preset for it"
    if "\n" in file.summary or not file.summary:
        yield "summary: not one line"


def _faults_of_preset(file: PresetFile, dataset: str, variant: str) -> Iterator[str]:
    try:
        preset = load_preset(file.name, dataset, variant)
    except UsageError as error:
        yield str(error)
        return
    values = leaves(preset.model_dump(mode="json"))
    yield from (f"deviations.{path}: no such field" for path in {*preset.deviations} - {*values})
    if variant not in UNDESCRIBED:
        yield from _faults_of_description(file, preset)
    yield from _faults_of_scores(preset)
    yield from _faults_of_counts(file, preset)


def _faults_of_description(file: PresetFile, preset: Preset) -> Iterator[str]:
    """What a variant that is named by what it is must say of itself."""
    own = file.variants[preset.variant].summary
    if not own or "\n" in own or preset.summary == file.summary:
        yield f"variants.{preset.variant}.summary: not one line that says what it is"
    if not preset.source or "\n" in preset.source:
        yield f"variants.{preset.variant}.source: not one line that says where it comes from"


def _faults_of_scores(preset: Preset) -> Iterator[str]:
    said = preset.expected
    if said is None:
        return
    if preset.variant != REFERENCE:
        yield "expected: scores belong to the reference, which this variant changes"
    found = {name: getattr(said, name) for name in SCORES if getattr(said, name) is not None}
    if not said.source or not found:
        yield "expected: no source or no score"
    yield from (f"expected.{name} = {score}" for name, score in found.items() if score <= 0)


def _faults_of_counts(file: PresetFile, preset: Preset) -> Iterator[str]:
    of_reference = preset.variant == REFERENCE
    counted = file.parameters if of_reference else file.variants[preset.variant].parameters
    counts = counted.get(preset.dataset)
    if counts is None:
        return
    players = build_players(preset, seed=0).named()
    built = {name: parameter_count(net) for name, net in players.items()}
    if built != counts:
        owner = "" if of_reference else f"variants.{preset.variant}."
        yield f"{owner}parameters.{preset.dataset}: {built}, and not {counts}"
