"""The metrics: each file here is one, or several that share their mathematics.

All files of this folder are imported, so that a new one needs to be named nowhere.
"""

from importlib import import_module
from pkgutil import iter_modules

from gancli.evaluation.metrics.metric import METRICS as METRICS
from gancli.evaluation.metrics.metric import NO_FACTS as NO_FACTS
from gancli.evaluation.metrics.metric import NO_SETTINGS as NO_SETTINGS
from gancli.evaluation.metrics.metric import ImageCounts as ImageCounts
from gancli.evaluation.metrics.metric import ImageFacts as ImageFacts
from gancli.evaluation.metrics.metric import ImageSets as ImageSets
from gancli.evaluation.metrics.metric import Metric as Metric
from gancli.evaluation.metrics.metric import MetricInputs as MetricInputs

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
