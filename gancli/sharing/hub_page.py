"""The README.md of a run on the Hugging Face hub: its metadata, and what its report says."""

from collections.abc import Sequence
from typing import Any

from gancli.checkpoint import Header
from gancli.data import ImageFolder
from gancli.evaluation.leaderboard import comparable_groups
from gancli.evaluation.protocol import Evaluation
from gancli.hub import Repository
from gancli.pasteable import command, named
from gancli.plurals import counted
from gancli.report.evaluation import protocol_lines, shown_interval, shown_name, shown_value
from gancli.report.page import deviation_rows
from gancli.scores import is_headline
from gancli.sharing.card import GeneratorCard
from gancli.tabular import TableFormat, TextTable, table_text

FIELD = "generative-adversarial-network"
TASK = "unconditional-image-generation"
"""What the hub calls the task of models whose input is noise, with classes or without."""
SHEET = "samples.png"
"""The picture of samples, next to the page."""


def hub_page(
    wanted: Repository,
    header: Header,
    card: GeneratorCard,
    metadata: str,
    *,
    alone: bool,
) -> str:
    """The page, in GitHub's Markdown.

    Args:
        wanted: where it will be.
        header: of the checkpoint, without paths of this machine.
        card: of its generator.
        metadata: as YAML.
        alone: whether the repository holds the generator alone.
    """
    preset = header.preset
    said = preset.summary.rstrip(".")
    summary = f"{said[:1].upper()}{said[1:]}. " if said else ""
    parts = [
        f"---\n{metadata.strip()}\n---",
        f"# {wanted.name.partition('/')[2]}",
        f"{summary}`{preset.name}` on `{preset.dataset}`, trained with gancli "
        f"{header.versions.get('gancli', card.gancli)} for {header.step:,} of "
        f"{counted(preset.schedule.steps, 'step')}.",
        f"![samples]({SHEET})",
        "## Use",
        _use(wanted, alone=alone),
        "## Model",
        _markdown(("", ""), _facts(header, card)),
        "## Deviations from the paper",
        _deviations(header),
        "## Scores",
        *_scores(card),
    ]
    return "\n\n".join(parts) + "\n"


def hub_metadata(header: Header, card: GeneratorCard, license_name: str | None) -> dict[str, Any]:
    """The metadata of the page, by the hub's conventions, as its package takes them.

    Args:
        header: of the checkpoint.
        card: of its generator.
        license_name: of the weights; None: it is not said.
    """
    preset, of_images = header.preset, card.kind == "images"
    kind = "conditional-image-generation" if card.classes else "image-generation"
    tags = [FIELD, *([kind] if of_images else []), preset.name, preset.dataset, "gancli"]
    is_known = of_images and not isinstance(preset.data, ImageFolder)
    made: dict[str, Any] = {
        "library_name": "gancli",
        "pipeline_tag": TASK if of_images else None,
        "tags": list(dict.fromkeys(tags)),
        "datasets": [preset.dataset] if is_known else None,
        "license": license_name,
    }
    return {name: value for name, value in made.items() if value is not None}


def scores_on_hub(card: GeneratorCard) -> list[dict[str, Any]]:
    """The scores that stand for themselves, with their data, as the hub's metadata names them."""
    return [
        {
            "task_type": TASK,
            "dataset_type": card.dataset,
            "dataset_name": f"{found.protocol.reference}, {found.protocol.split}",
            "metric_type": name,
            "metric_name": f"{shown_name(name, found, ())}, {found.protocol.count:,} samples",
            "metric_value": found.scores[name],
        }
        for found in _latest(card)
        for name in found.scores
        if is_headline(name)
    ]


def _latest(card: GeneratorCard) -> list[Evaluation]:
    """The last evaluation by each protocol."""
    return [group[-1] for group in comparable_groups(card.scores)]


def _use(wanted: Repository, *, alone: bool) -> str:
    pulled = (
        "" if alone else f"{command('pull', wanted)}    # the whole run, whose training can go on\n"
    )
    return (
        "```sh\n"
        "pip install 'gancli[hub]'\n"
        f"{command('sample', wanted, '--count', 64, '--grid')}\n"
        f"{pulled}"
        "```\n\n"
        "```python\n"
        "import gancli\n\n"
        f'images = gancli.load("{wanted}").sample(seeds=range(64))\n'
        "```"
    )


def _facts(header: Header, card: GeneratorCard) -> list[tuple[str, str]]:
    preset, settings = header.preset, header.settings
    inputs = ", ".join(f"{each.name}: {each.values}" for each in card.inputs)
    size = " x ".join(map(str, card.shape))
    within = f" in [{card.range[0]:g}, {card.range[1]:g}]" if card.range else ""
    rows = [
        ("model", f"{preset.name}, variant {preset.variant}"),
        ("paper", preset.paper),
        ("settings from", preset.source or ""),
        ("data", f"{preset.dataset} (fingerprint {header.data[:12]})"),
        ("generator's output", f"{card.kind}, {size}{within}"),
        ("generator's inputs", inputs),
        ("weights", card.weights),
        ("steps", f"{header.step:,} of {preset.schedule.steps:,}"),
        ("batch size", str(preset.schedule.batch_size)),
        ("seed", str(settings.seed)),
        ("trained on", f"{settings.device}, {settings.precision}"),
        ("versions", ", ".join(f"{name} {said}" for name, said in header.versions.items())),
    ]
    return [(name, said) for name, said in rows if said]


def _deviations(header: Header) -> str:
    rows = [(d.field, d.here, d.paper, d.note) for d in deviation_rows(header.preset)]
    if not rows:
        return "None that the preset knows of."
    return _markdown(("field", "here", "paper", "reason"), rows)


def _scores(card: GeneratorCard) -> list[str]:
    if not card.scores:
        return [f"These weights have not been scored: `{named('evaluate')}` does it."]
    said = []
    for found in _latest(card):
        said += [_score_table(found), "\n".join(f"- {line}" for line in _protocol(found))]
    return said


def _score_table(found: Evaluation) -> str:
    rows = [
        (shown_name(name, found, ()), shown_value(name, found), shown_interval(name, found))
        for name in found.scores
        if is_headline(name)
    ]
    return _markdown(("score", "value", "95 %"), rows)


def _protocol(found: Evaluation) -> list[str]:
    return [*protocol_lines(found), *found.remarks]


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table_text(TextTable(headings, rows), TableFormat.MARKDOWN).strip()
