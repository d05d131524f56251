"""LlamaIndex and Haystack on the same files: each in its own process, in an environment of the two, made at first use.

They get the same weights, as they come (sentence-transformers on this machine's cores), the same passage size in the
encoder's tokens, and Qdrant's local mode on disk. PyTorch and sentence-transformers are those of our environment.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from appliance.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("LlamaIndex", "Haystack")
PACKAGES = (
    "llama-index-core==0.14.*",
    "llama-index-embeddings-huggingface",
    "llama-index-vector-stores-qdrant",
    "llama-index-readers-file",
    "docx2txt",
    "openpyxl",
    "haystack-ai==2.*",
    "qdrant-haystack",
    "pypdf",
    "python-docx",
    "trafilatura",
    "tabulate",
    "markdown-it-py",
    "mdit_plain",
    "python-pptx",
    "jq",
)
OURS = ("torch", "sentence-transformers", "transformers")
_VENV = ROOT / ".cache" / "bench-peers"


def seconds(name: str, files: Sequence[Path], settings: Settings, place: Path) -> float:
    """How long it took from the first file to the last vector, its imports and its model's loading not counted."""
    given = {
        "files": [str(path) for path in files],
        "model": str(settings.model_store / settings.encoder.model),
        "tokens": settings.knowledge.chunk_tokens,
        "place": str(place / name),
    }
    script = Path(__file__).with_name(f"run_{name.lower()}.py")
    quiet = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "TOKENIZERS_PARALLELISM": "true"}
    told = subprocess.run(
        [_python(place), script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **quiet},
    )
    if told.returncode:
        raise SystemExit(f"{name}:\n{told.stderr[-3000:]}")
    found = json.loads(told.stdout.splitlines()[-1])
    print(f"{name}: {found}", file=sys.stderr)
    return float(found["seconds"])


def _python(place: Path) -> Path:
    """The environment's, made where it is not there."""
    python, done = _VENV / "bin" / "python", _VENV / "done"
    if not done.exists():
        shutil.rmtree(_VENV, ignore_errors=True)
        uv = str(ROOT / ".venv" / "bin" / "uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(_VENV)], check=True)
        never = place / "ours.txt"
        never.write_text("".join(f"{package}; sys_platform == 'never'\n" for package in OURS))
        command = [uv, "pip", "install", "-q", "--python", str(python), "--overrides", str(never)]
        subprocess.run([*command, "--link-mode", "copy", *PACKAGES], check=True)  # NLTK refuses hard links
        (packages,) = _VENV.glob("lib/python*/site-packages")
        (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
        done.touch()
    return python
