"""Haystack, in its own environment: files from standard input, seconds and passages to standard output."""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

from haystack import Pipeline
from haystack.components.converters import MultiFileConverter, TextFileToDocument
from haystack.components.embedders import SentenceTransformersDocumentEmbedder
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore
from transformers import AutoTokenizer

given = json.load(sys.stdin)
tokenizer = AutoTokenizer.from_pretrained(given["model"])


def split(text: str) -> list[str]:
    """Pieces of so many tokens."""
    offsets = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"]
    starts = [offsets[at][0] for at in range(0, len(offsets), given["tokens"])] + [len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


mails = [path for path in given["files"] if path.endswith(".eml")]
others = [path for path in given["files"] if not path.endswith(".eml")]
embedder = SentenceTransformersDocumentEmbedder(model=given["model"], batch_size=32, progress_bar=False)
embedder.warm_up()
store = QdrantDocumentStore(path=str(Path(given["place"])), index="company", embedding_dim=384)
pipeline = Pipeline()
pipeline.add_component("splitter", DocumentSplitter(split_by="function", splitting_function=split))
pipeline.add_component("embedder", embedder)
pipeline.add_component("writer", DocumentWriter(document_store=store))
pipeline.connect("splitter", "embedder")
pipeline.connect("embedder", "writer")
begun = time.monotonic()
documents = MultiFileConverter().run(sources=others)["documents"]
documents += TextFileToDocument().run(sources=mails)["documents"]
read = time.monotonic() - begun
done = pipeline.run({"splitter": {"documents": documents}})
found = {"seconds": time.monotonic() - begun, "read": read, "passages": done["writer"]["documents_written"]}
print(json.dumps(found))
