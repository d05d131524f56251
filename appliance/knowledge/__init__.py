"""Collections and documents: parsing, chunking, the index projection, retrieval within a tenant."""
