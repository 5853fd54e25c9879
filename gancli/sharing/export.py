"""Writes a generator for other programs: formats, each written and run by its own library."""

import io
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor

from gancli.choices import ExportName, WeightName
from gancli.errors import UsageError
from gancli.sharing.card import BATCH, SAMPLES, GeneratorCard
from gancli.sharing.exported import CARD, ExportedGenerator, rebuild
from gancli.sharing.generator_page import generator_page, run_generator_page

CARD_FILE = "card.json"
"""What the card is called among the further files of a program."""
REBUILD = "from gancli.sharing.exported import rebuild; generator, card = rebuild(FILE)"
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Those of the extra `onnx`."""
WEIGHT_TYPES = {
    WeightName.FP32: torch.float32,
    WeightName.BF16: torch.bfloat16,
    WeightName.FP16: torch.float16,
}
Inputs = Mapping[str, Tensor]
"""By name, in order."""


@dataclass(frozen=True)
class ExportFormat:
    """A format of exported generators."""

    ending: str
    """of its files, without the dot"""
    write: Callable[[ExportedGenerator, Inputs, GeneratorCard], bytes]
    """the file's content; the inputs are examples of two or more rows"""
    run: Callable[[Path, Inputs], Tensor]
    """samples that the file makes of inputs, as a program without this package makes them"""
    packages: tuple[str, ...] = ()
    """packages that it needs, of the extra of the format's own name"""
    is_weights: bool = False
    """whether the file holds weights alone, whose type may be chosen"""


def require_packages(name: ExportName) -> None:
    """Make sure that the packages of a format are installed.

    Raises:
        UsageError: one is not.
    """
    missing = [each for each in EXPORT_FORMATS[name].packages if find_spec(each) is None]
    if missing:
        raise UsageError(
            f"--to {name} needs the package {missing[0]}, which is not installed: pip install "
            f"'gancli[{name}]', or choose another format"
        )


def _metadata(card: GeneratorCard) -> dict[str, str]:
    return {"gancli": card.gancli, CARD: card.model_dump_json(exclude_none=True)}


def _safetensors(made: ExportedGenerator, _: Inputs, card: GeneratorCard) -> bytes:
    tensors = {n: t.detach().contiguous().clone() for n, t in made.generator.state_dict().items()}
    metadata = {"format": "pt", "rebuild": REBUILD, **_metadata(card)}
    return safetensors.torch.save(tensors, metadata)


def _run_safetensors(path: Path, inputs: Inputs) -> Tensor:
    made, _ = rebuild(path)
    with torch.no_grad():
        return cast(Tensor, made(*inputs.values()))


def generator_graph(made: ExportedGenerator, inputs: Inputs) -> torch.export.ExportedProgram:
    """The generator as a graph, for batches of any size."""
    batch = torch.export.Dim(BATCH, min=1)
    shapes = {"inputs": tuple({0: batch} for _ in inputs)}
    with torch.no_grad():
        program = torch.export.export(made, tuple(inputs.values()), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        # Where this package is on this machine is of no use to others.
        node.meta.pop("stack_trace", None)
    return program


def _torch_export(made: ExportedGenerator, inputs: Inputs, card: GeneratorCard) -> bytes:
    file = io.BytesIO()
    torch.export.save(
        generator_graph(made, inputs), file, extra_files={CARD_FILE: _metadata(card)[CARD]}
    )
    return file.getvalue()


def _run_torch_export(path: Path, inputs: Inputs) -> Tensor:
    with torch.no_grad():
        return cast(Tensor, torch.export.load(path).module()(*inputs.values()))


def _torchscript(made: ExportedGenerator, inputs: Inputs, card: GeneratorCard) -> bytes:
    file = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # Whoever asks for this format knows that torch recommends torch.export.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(made, tuple(inputs.values()), check_trace=False)
        torch.jit.save(traced, file, _extra_files={CARD_FILE: _metadata(card)[CARD]})
    return _without_sources(file.getvalue())


def _without_sources(archive: bytes) -> bytes:
    """A TorchScript file without the lines of Python that it came from, which name their folder."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            if not name.endswith(".debug_pkl"):
                new.writestr(name, old.read(name))
    return made.getvalue()


def _run_torchscript(path: Path, inputs: Inputs) -> Tensor:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cast(Tensor, torch.jit.load(path)(*inputs.values()))


def _onnx(made: ExportedGenerator, inputs: Inputs, card: GeneratorCard) -> bytes:
    batch = {"inputs": tuple({0: torch.export.Dim(BATCH, min=1)} for _ in inputs)}
    with warnings.catch_warnings():
        # It warns that two inputs have the same first axis, which they are meant to have.
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            made,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=[SAMPLES],
            dynamic_shapes=batch,
            dynamo=True,
            verbose=False,
        )
    program.model.metadata_props.update(_metadata(card))
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
    return cast(bytes, program.model_proto.SerializeToString())


def _run_onnx(path: Path, inputs: Inputs) -> Tensor:
    runtime = import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {name: part.numpy() for name, part in inputs.items()}
    return torch.from_numpy(session.run([SAMPLES], feeds)[0])


def _html(made: ExportedGenerator, inputs: Inputs, card: GeneratorCard) -> bytes:
    return generator_page(generator_graph(made, inputs), inputs, card)


EXPORT_FORMATS = {
    ExportName.SAFETENSORS: ExportFormat(
        "safetensors", _safetensors, _run_safetensors, is_weights=True
    ),
    ExportName.ONNX: ExportFormat("onnx", _onnx, _run_onnx, ONNX_PACKAGES),
    ExportName.TORCHSCRIPT: ExportFormat("pt", _torchscript, _run_torchscript),
    ExportName.TORCH_EXPORT: ExportFormat("pt2", _torch_export, _run_torch_export),
    ExportName.HTML: ExportFormat("html", _html, run_generator_page),
}
"""All formats, by name."""
