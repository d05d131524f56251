"""Places that hold documents: one port, a connector for each kind."""
