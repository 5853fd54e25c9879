"""From a name to the page about it; torch is loaded only for a model's settings."""

from difflib import get_close_matches

from gancli import catalog
from gancli.catalog.preset_files import is_file
from gancli.errors import UsageError
from gancli.explanations.pages import as_verdict, verdict_names, verdict_page
from gancli.pasteable import command

CLOSE_NAMES = 3
"""The most names that an unknown one is answered with."""


def explanation(name: str, dataset: str | None = None, variant: str | None = None) -> str:
    """The page about a verdict or a model, in Markdown.

    Args:
        name: a verdict, a model's name or a preset file.
        dataset: of a model: a data set's name or a path of images; None: its first one.
        variant: of a model; None: the reference.

    Raises:
        GanError: anything unknown.
    """
    verdict = as_verdict(name)
    if verdict:
        refuse_choices(f"{verdict} is a verdict", dataset, variant)
        return verdict_page(verdict).text
    _refuse_unknown(name)
    # Both take seconds to import.
    from gancli.explanations.write import explained_model
    from gancli.user_images import ImageChoices, choose

    return explained_model(name, choose(dataset, ImageChoices(), model=name), variant)


def refuse_choices(why: str, dataset: str | None, variant: str | None) -> None:
    """Refuse options that only models have.

    Raises:
        UsageError: one is given.
    """
    for option, value in (("--dataset", dataset), ("--variant", variant)):
        if value is not None:
            raise UsageError(f"{option} applies only to models, and {why}: leave it out")


def _refuse_unknown(name: str) -> None:
    if name in catalog.model_names() or is_file(name):
        return
    known = [*verdict_names(), *catalog.model_names()]
    close = get_close_matches(name.lower(), known, n=CLOSE_NAMES)
    meant = f", did you mean {' or '.join(close)}?" if close else ";"
    raise UsageError(
        f"there is no verdict, model or preset file {name!r}{meant} "
        f"{command('explain')} lists the names"
    )
