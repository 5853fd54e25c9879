"""The records of an evaluation: its scores with the protocol they depend on."""

from gancli.evaluation.class_shares import class_gap
from gancli.evaluation.evaluate import EvaluationOutput, ReferenceScores
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import GeneratedImages, ImageSet
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.remarks import remarks_on, settings_used
from gancli.evaluation.spec import EvaluationSpec, RealImages


def evaluations_of(
    scored: ScoredImages, spec: EvaluationSpec, reals: RealSets, output: EvaluationOutput
) -> list[Evaluation]:
    """One per reference; scores that need none stand in each."""
    none = RealImages(scored.images, "nothing", "all")
    references = reals.references or [none]
    return [
        _evaluation(scored, spec, real, of_reference)
        for real, of_reference in zip(references, output.by_reference, strict=False)
    ]


def _evaluation(
    scored: ScoredImages, spec: EvaluationSpec, real: RealImages, output: ReferenceScores
) -> Evaluation:
    known = scored.preset if scored.saved is not None else None
    return Evaluation(
        model=known.name if known else str(scored),
        dataset=known.dataset if known else "",
        variant=known.variant if known else "",
        step=scored.saved.header.step if scored.saved else None,
        selection=scored.selection,
        images=scored.images.fingerprint[:HASH_SHOWN],
        protocol=_protocol(scored, spec, real),
        scores=output.scores,
        intervals=output.intervals,
        remarks=(*remarks_on(scored, spec, real), *spec.lacking(), *output.findings),
    )


def _protocol(scored: ScoredImages, spec: EvaluationSpec, real: RealImages) -> Protocol:
    images, extractor = scored.images, spec.extractor
    generated = images if isinstance(images, GeneratedImages) else None
    held_out = spec.held_out if spec.training_needs() is not None else None
    compares = spec.reference_needs() is not None
    return Protocol(
        count=len(images),
        scored_from=None if scored.drawn_from is None else len(scored.drawn_from),
        per_class=generated.per_class if generated else None,
        classes_as=scored.classes_as,
        class_gap=class_gap(scored, real) if compares else None,
        reference=real.name if compares else "nothing",
        split=real.split if compares else "all",
        reference_count=real.count if compares else 0,
        drawn_from=len(real.drawn_from) if compares and real.drawn_from else None,
        data=real.images.fingerprint[:HASH_SHOWN] if compares else "",
        extractor=extractor.name,
        weights=extractor.weights,
        published=extractor.published,
        dtype=extractor.arithmetic.dtype,
        forward=str(extractor.arithmetic),
        deviation=extractor.arithmetic.deviation,
        resize=extractor.resize,
        network=scored.network,
        mode="evaluation" if generated else "none",
        seeds=f"0-{generated.seeds - 1}" if generated else "",
        truncation=generated.saved.header.preset.prior.truncation if generated else None,
        train=_hashed(spec.train) if held_out else "",
        held_out=_hashed(held_out),
        reference_weights=real.statistics.weights if compares and real.statistics else "",
        settings=settings_used(spec, len(images), real.count if compares else 0),
        converted="; ".join(_converted(scored.images, real.images)),
        modes_read="" if spec.known_modes is None else spec.known_modes.reader,
    )


def _converted(*sets: ImageSet) -> list[str]:
    files = [each for each in sets if isinstance(each, ImageFiles)]
    return list(dict.fromkeys(each.converted for each in files if each.converted))


def _hashed(real: RealImages | None) -> str:
    return f"{real}, {real.images.fingerprint[:HASH_SHOWN]}" if real else ""
