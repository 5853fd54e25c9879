"""How fast a training step is, compared with plain PyTorch loops that take the same step."""
