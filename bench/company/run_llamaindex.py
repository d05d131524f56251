"""LlamaIndex, in its own environment: files from standard input, seconds and passages to standard output."""

import json
import sys
import time
from pathlib import Path

from llama_index.core import Settings, SimpleDirectoryReader
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient
from transformers import AutoTokenizer

given = json.load(sys.stdin)
tokenizer = AutoTokenizer.from_pretrained(given["model"])
Settings.tokenizer = tokenizer.tokenize
embed = HuggingFaceEmbedding(model_name=given["model"], embed_batch_size=32)
embed.get_text_embedding("warm")
client = QdrantClient(path=str(Path(given["place"])))
begun = time.monotonic()
documents = SimpleDirectoryReader(input_files=given["files"]).load_data()
read = time.monotonic() - begun
split = SentenceSplitter(chunk_size=given["tokens"], chunk_overlap=0, tokenizer=tokenizer.tokenize)
store = QdrantVectorStore("company", client=client)
nodes = IngestionPipeline(transformations=[split, embed], vector_store=store).run(documents=documents)
print(json.dumps({"seconds": time.monotonic() - begun, "read": read, "passages": len(nodes)}))
