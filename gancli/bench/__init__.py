"""How fast a training step is, beside plain PyTorch loops that take the same step."""
