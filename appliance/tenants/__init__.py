"""Tenants, users, API keys; resolves credentials to a Principal."""
