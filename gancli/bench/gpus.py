"""What NVIDIA publishes of GPUs that can be rented, and an estimate of a step's time on them."""

from collections.abc import Mapping
from typing import NamedTuple

from gancli.bench.predict import StepNeeds
from gancli.choices import GpuName, PrecisionName
from gancli.errors import UsageError

ATTAINED = 1 / 3
"""Of the published rates, what steps attain that keep a GPU busy: dcgan, sngan-hinge, wgan-gp and
acgan on an H100 attained 0.24 to 0.38 (docs/speed.md)."""
CALL_SECONDS = 11e-6
"""What the processor takes for each operation that it asks a GPU for, or draws with: sagan and
sngan-projection, whose small batches leave the GPU waiting, took 8.5e-6 to 14.5e-6 on an H200
(docs/speed.md)."""
FP32, BF16, FP64 = PrecisionName.FP32, PrecisionName.BF16, PrecisionName.FP64


class PublishedGpu(NamedTuple):
    """A GPU by its data sheet."""

    memory_bytes: float
    bandwidth: float
    """bytes per second"""
    rates: Mapping[PrecisionName, float]
    """operations per second on matrices without sparsity; fp32: in TF32 where it has that, as
    torch rounds in convolutions"""
    source: str


GPUS = {
    GpuName.T4: PublishedGpu(
        memory_bytes=16e9,
        bandwidth=320e9,
        rates={FP32: 8.1e12},
        source="https://www.nvidia.com/en-us/data-center/tesla-t4/",
    ),
    GpuName.A100: PublishedGpu(
        memory_bytes=80e9,
        bandwidth=2039e9,
        rates={FP32: 156e12, BF16: 312e12, FP64: 19.5e12},
        source="https://www.nvidia.com/en-us/data-center/a100/",
    ),
    GpuName.H100: PublishedGpu(
        memory_bytes=80e9,
        bandwidth=3350e9,
        rates={FP32: 494.5e12, BF16: 989.5e12, FP64: 67e12},
        source="https://www.nvidia.com/en-us/data-center/h100/",
    ),
}
"""The A100 and the H100 are those of 80 GB on an SXM board."""


def precision_on(name: GpuName, asked: PrecisionName | None) -> PrecisionName:
    """The precision of a run on a GPU: the typed one, else bf16 where the GPU has it.

    Raises:
        UsageError: the GPU has no rate of that precision.
    """
    rates = GPUS[name].rates
    if asked is None:
        return BF16 if BF16 in rates else FP32
    if asked not in rates:
        raise UsageError(
            f"no rate of {asked} is published for the {name}: choose --precision {'|'.join(rates)}"
        )
    return asked


def step_seconds(name: GpuName, needs: StepNeeds, precision: PrecisionName) -> float:
    """An estimate of a step's time on a GPU.

    The longest of three: its operations over the published rate, the bytes that they move over the
    published bandwidth (both over `ATTAINED`; the roofline of Williams, Waterman and Patterson,
    https://doi.org/10.1145/1498765.1498785), and the processor's asking for them one by one.
    """
    gpu = GPUS[name]
    least = max(needs.operations / gpu.rates[precision], needs.moved_bytes / gpu.bandwidth)
    return max(least / ATTAINED, needs.calls * CALL_SECONDS)
