"""Scores of what a generator makes."""
