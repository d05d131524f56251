"""The signed licence file and what it allows (later part)."""
