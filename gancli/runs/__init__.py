"""Runs: their folders, and how they are found."""
