"""Experiments: cells of presets and seeds, trained side by side and measured the same way."""
