"""Checkpoints of other programs, as runs of this one.

A module for each source has its names of tensors and ours; nothing else knows a source.
"""
