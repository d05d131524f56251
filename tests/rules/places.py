"""No committed file names the machine that it was written on, nor a package registry's host.

A lock with hosts installs nowhere else; a path of a developer's machine works nowhere else.
"""

import re
from collections.abc import Iterator

# In pieces, so that this file does not break its own rule.
_HOSTS: tuple[str, ...] = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "registry.yarnpkg" + ".com",
)
_HOSTS += ("deb.debian" + ".org", "download.pytorch" + ".org", "proxy.golang" + ".org")
_PATHS = (r"/work/" + r"(?:main|shared)", r"/tmp/" + r"team", r"/opt/" + r"(?:wheels|pypi)", r"/root/" + r"\.pyenv")
_PLACE = re.compile("|".join((*map(re.escape, _HOSTS), *_PATHS)).encode())


def found(name: str, content: bytes) -> Iterator[tuple[int, str]]:
    """Line and text of each host or machine path in a file's bytes; in binary files too, which keep paths as well."""
    for match in _PLACE.finditer(content):
        yield content.count(b"\n", 0, match.start()) + 1, f"{match[0].decode()} in {name}"
