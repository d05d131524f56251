"""Alembic migrations and the rules of the database."""
