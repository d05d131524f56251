"""Datasets, training runs and the promotion gate of adapters (later part)."""
