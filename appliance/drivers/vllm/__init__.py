"""The engine: vLLM's server on a Unix socket, its arguments, its process and its client, and a scripted double."""
