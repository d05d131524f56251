"""Golden questions, scorers, runs and comparisons (later part)."""
