"""Train, sample, evaluate, traverse and compare the classic GANs, repeatably."""

__version__ = "0.1.0"
