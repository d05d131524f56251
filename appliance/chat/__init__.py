"""Conversations: prompt assembly, streaming, attribution of each sentence to its source."""
