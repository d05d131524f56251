"""Preflight, bundle, upgrade, backup, restore on a bare host (later part)."""
