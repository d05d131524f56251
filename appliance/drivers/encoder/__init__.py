"""The embedding model behind one port: in its own process, over the wire, or as a hashed bag of words."""
