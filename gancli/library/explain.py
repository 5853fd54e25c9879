"""Pages of words about verdicts and models."""

from pathlib import Path

from gancli.explanations.look_up import explanation


def explain(name: str | Path, dataset: str | Path | None = None, variant: str | None = None) -> str:
    """What a verdict on a run means, or what a model is: a page in Markdown.

    A verdict's page says what is seen, why it comes about (formula and source), and what to try. A
    model's page ends with its equations and settings on a data set, each with a reason.

    Args:
        name: a verdict, e.g. `"plateau"`, a model's name or a preset file.
        dataset: of a model: a data set's name or images of your own; None: the model's first.
        variant: of a model; None: `"reference"`.

    Raises:
        UsageError: there is no such verdict or model, or the model has no such preset.
        DataError: there are no images at the path.
    """
    return explanation(str(name), None if dataset is None else str(dataset), variant)
