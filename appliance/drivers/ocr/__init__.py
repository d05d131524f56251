"""Text recognition in pictures: the port, RapidOCR behind it, and a double."""
