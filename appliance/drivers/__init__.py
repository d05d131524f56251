"""The outside world behind ports: a Protocol, the real thing and an in-memory double each."""
