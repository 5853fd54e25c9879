"""The table of presets, and one model's data sets and commands; knows no torch."""

from rich.table import Table

from gancli import catalog
from gancli.pasteable import command
from gancli.report.console import console, say

SCORES = {"fid": "FID", "intra_fid": "intra-FID", "inception_score": "IS"}


def print_presets() -> None:
    """Print a row per model: its idea, and its data sets."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    table.add_column("idea", overflow="fold")
    table.add_column("data sets", overflow="fold")
    for name in catalog.model_names():
        file = catalog.preset_file(name)
        table.add_row(name, file.idea or file.summary, grouped_datasets(file.datasets))
    console().print(table, soft_wrap=False)
    say(f"\npoints are the 2-D mixtures {', '.join(_points())}")
    alike = (f"{name}* also stands for {', '.join(sets)}" for name, sets in _alike().items())
    say("; ".join(alike))
    say("every model also trains on your own images: --dataset PATH")
    say(f"a model's paper, variants and published scores: {command('presets', 'MODEL')}")


def _points() -> list[str]:
    """The data sets of points: the 2-D mixtures."""
    kinds = {name: catalog.preset_data(name).get("kind") for name in catalog.dataset_names()}
    return [name for name, kind in kinds.items() if kind == "mixture"]


def _alike() -> dict[str, list[str]]:
    """The sets that differ from another one in nothing but their images, by that one's name."""
    found: dict[str, list[str]] = {}
    for name in catalog.dataset_names():
        table = catalog.dataset_table(name)
        if table.keys() == {"like", "data"} and "source" in table["data"]:
            found.setdefault(table["like"], []).append(name)
    return found


def grouped_datasets(datasets: list[str]) -> str:
    """The data sets; all mixtures as one word, and a set with all that are like it as another."""
    rest, groups = list(datasets), {"points": _points()}
    groups |= {f"{name}*": [name, *alike] for name, alike in _alike().items()}
    for word, members in groups.items():
        if set(members) <= set(rest):
            place = rest.index(members[0])
            rest[place] = word
            rest = [name for name in rest if name not in members]
    return ", ".join(rest)


def print_model(model: str) -> None:
    """Print a model's paper, and for each data set its variants, published scores and command.

    Raises:
        UsageError: there is no such model.
    """
    file = catalog.preset_file(model)
    say(f"{file.name}: {file.summary}")
    say(f"{file.paper}\n")
    for dataset in file.datasets:
        variants, scores = file.variants_on(dataset), published_scores(file, dataset)
        said = f"; published: {scores} ({file.published(dataset)['source']})" if scores else ""
        say(f"{dataset}: {', '.join(variants)}{said}")
        say(f"  {command('train', model, '--dataset', dataset)}")
    described = {name: table for name, table in file.variants.items() if table.summary}
    for place, (name, table) in enumerate(described.items()):
        start = "" if place else "\n"
        say(f"{start}{name}: {table.summary} ({'; '.join(file.sources_of(name))})")
    first = ("--dataset", file.datasets[0])
    say(f"\nlosses and networks: {command('train', model, *first, '--dry-run')}")
    say(f"as TOML, to edit:    {command('presets', 'show', model, *first)}")
    say(f"background, and why: {command('explain', model, *first)}")


def published_scores(file: catalog.PresetFile, dataset: str) -> str:
    """The reference's published scores on a data set, in words; empty: there are none."""
    said = file.published(dataset)
    return ", ".join(f"{SCORES[key]} {said[key]:.2f}" for key in SCORES if key in said)
