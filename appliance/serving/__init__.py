"""Deployments kept in their desired state, routes, and the OpenAI-compatible gateway."""
