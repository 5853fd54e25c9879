"""Pages of words about verdicts and models, and what they say of a preset's settings."""
