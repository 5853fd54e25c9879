"""Trained generators for other programs, and runs for other machines."""
