"""`gan explain`."""

from gancli.explanations.look_up import explanation, refuse_choices
from gancli.report.explanation import print_explained_names, print_page


def explain(name: str | None, dataset: str | None, variant: str | None) -> None:
    """Print the page about a verdict or a model; without a name, list what there are pages about.

    Args:
        name: a verdict, a model's name or a preset file.
        dataset: of a model: a data set's name or a path of images.
        variant: of a model.

    Raises:
        GanError: anything unknown.
    """
    if name is not None:
        print_page(explanation(name, dataset, variant))
        return
    refuse_choices("none is named", dataset, variant)
    print_explained_names()
