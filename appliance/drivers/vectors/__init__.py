"""The vector index behind one port: Qdrant Edge, a Qdrant server, a double, and the client of the index process."""
