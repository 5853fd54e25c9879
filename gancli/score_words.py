"""Scores as they are shown: their labels and their numbers; knows no torch."""

from gancli.scores import PUBLISHED_EXTRACTOR, score_named, whole_score


def score_label(name: str, extractor: str, *, published: bool) -> str:
    """A score's label; that of other features than the published ones says whose they are.

    Args:
        name: of the score, of all classes.
        extractor: the name of the feature network.
        published: whether it has the published weights.
    """
    score = score_named(name)
    is_usual = published and extractor == PUBLISHED_EXTRACTOR
    return f"{score.label} [{extractor}]" if score.names_extractor and not is_usual else score.label


def shown_number(name: str, value: float, *, short: bool = False) -> str:
    """A value of a score; a distance a hair below 0 is 0.

    Args:
        name: of the score.
        value: raw.
        short: whether large ones get fewer decimals.
    """
    score = score_named(whole_score(name))
    if score.is_share:
        return f"{value:.2%}"
    value = max(0.0, value) if score.is_distance else value
    fewer = sum(abs(value) >= limit for limit in (1, 10, 100)) if short else 0
    return f"{value:.{max(0, score.decimals - fewer)}f}"
