"""The network families. A new one is a file here that registers its settings, or a plugin."""

from gancli.networks.autoencoder import AutoencoderSpec, DecoderSpec
from gancli.networks.cnn import CnnDiscriminatorSpec, CnnGeneratorSpec
from gancli.networks.eigen import EigenDiscriminatorSpec, EigenGeneratorSpec
from gancli.networks.layers import singular_values
from gancli.networks.mlp import MlpDiscriminatorSpec, MlpGeneratorSpec, MlpReconstructorSpec
from gancli.networks.resnet import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from gancli.networks.sndcgan import SndcganDiscriminatorSpec, SndcganGeneratorSpec
from gancli.networks.spec import (
    DISCRIMINATORS,
    GENERATORS,
    RECONSTRUCTORS,
    AnyDiscriminator,
    AnyGenerator,
    AnyReconstructor,
    DiscriminatorSpec,
    GeneratorSpec,
    NetworkSpec,
    ReconstructorSpec,
    families,
    fit,
    owners,
)

__all__ = [
    "DISCRIMINATORS",
    "GENERATORS",
    "RECONSTRUCTORS",
    "AnyDiscriminator",
    "AnyGenerator",
    "AnyReconstructor",
    "AutoencoderSpec",
    "CnnDiscriminatorSpec",
    "CnnGeneratorSpec",
    "DecoderSpec",
    "DiscriminatorSpec",
    "EigenDiscriminatorSpec",
    "EigenGeneratorSpec",
    "GeneratorSpec",
    "MlpDiscriminatorSpec",
    "MlpGeneratorSpec",
    "MlpReconstructorSpec",
    "NetworkSpec",
    "ReconstructorSpec",
    "ResnetDiscriminatorSpec",
    "ResnetGeneratorSpec",
    "SndcganDiscriminatorSpec",
    "SndcganGeneratorSpec",
    "families",
    "fit",
    "owners",
    "singular_values",
]
