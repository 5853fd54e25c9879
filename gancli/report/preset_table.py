"""The table of presets; knows no torch."""

from rich.table import Table

from gancli import catalog
from gancli.report.console import console


def print_presets() -> None:
    """Print one row per model: paper, data sets, variants, published score."""
    table = Table(title="presets", title_justify="left")
    for heading in ("model", "paper", "data sets", "variants", "published"):
        table.add_column(heading, overflow="fold")
    for name in catalog.model_names():
        file = catalog.preset_file(name)
        variants = {v: None for dataset in file.datasets for v in file.variants_on(dataset)}
        table.add_row(
            f"[bold]{name}[/bold]",
            file.paper.partition(",")[0],
            ", ".join(file.datasets),
            ", ".join(variants),
            "; ".join(filter(None, (_published(file, d) for d in file.datasets))) or "-",
        )
    console().print(table, soft_wrap=False)
    console().print("gan presets show NAME prints one as TOML; gan train NAME --dry-run, its step")


SCORES = {"fid": "FID", "intra_fid": "intra-FID", "inception_score": "IS"}


def _published(file: catalog.PresetFile, dataset: str) -> str:
    said = file.published(dataset)
    scores = [f"{SCORES[key]} {said[key]:.2f}" for key in SCORES if key in said]
    return f"{dataset} {', '.join(scores)}" if scores else ""
