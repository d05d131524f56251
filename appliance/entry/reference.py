"""The generated reference: ``docs/openapi.json`` and ``docs/reference/``; a test fails when stale."""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from appliance.entry import reference_pages as pages
from appliance.entry.cli import reference as command_line
from appliance.entry.metrics import ACCESS, ENCODED
from appliance.entry.web import describe
from appliance.kit.settings import Settings
from appliance.knowledge.parsing.formats import FORMATS
from appliance.serving.engine_metrics import SHOWN
from appliance.serving.meters import Meters

DOCS = Path(__file__).resolve().parents[2] / "docs"


@cache
def description() -> dict[str, Any]:
    """The HTTP API as its OpenAPI document, which takes two seconds."""
    return describe().openapi()


def openapi() -> str:
    """The same as a file."""
    return json.dumps(description(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def settings() -> str:
    """Every setting with its variable, default and meaning."""
    rows = "\n".join(_rows(Settings, "APPLIANCE_"))
    return (
        "# Settings\n\nBuilt-in defaults < `appliance.toml` in the data directory < environment. In the file\n"
        "a section is a table: `APPLIANCE_JOBS__ATTEMPTS` is `attempts` under `[jobs]`.\n\n"
        f"| variable | default | meaning |\n|---|---|---|\n{rows}\n"
    )


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description or ''} |"


def _default(field: FieldInfo) -> str:
    value = str(field.default).replace(str(Path.home()), "~")
    return f"`{value}`" if value and field.default is not None else "none"


METRICS = """# Metrics

`GET /metrics`, Prometheus' text form. It answers this machine (never what a proxy passed on), or the key that stands in
`secrets/metrics-key`: `authorization: {type: Bearer, credentials_file: …/secrets/metrics-key}` in Prometheus. No metric
tells a tenant, a user, a route's name or any content, except the one that a setting turns on. `model` is the name of a
model version, `engine` the last digits of the engine's id, as in its log's name.
"""


def metrics() -> str:
    """Every metric with its labels and meaning."""
    own = "\n".join(_metric_rows())
    access, index = (
        "\n".join(f"| `{name}` | gauge | {told} |" for name, told in gauges.items()) for gauges in (ACCESS, ENCODED)
    )
    engines = "\n".join(f"| `{name}` | {told} |" for name, told in SHOWN.items())
    return (
        f"{METRICS}\n## The gateway\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n{own}\n"
        f"\n## Access to documents\n\n| metric | type | meaning |\n|---|---|---|\n{access}\n"
        "\n## The index\n\nNot told while no encoder is in the model store.\n\n"
        f"| metric | type | meaning |\n|---|---|---|\n{index}\n"
        "\n## Engines\n\nvLLM's own, of each engine, under the labels `model` and `engine`. Others of its metrics\n"
        f"are not shown: some name adapters, and with them tenants.\n\n| metric | meaning |\n|---|---|\n{engines}\n"
    )


def _metric_rows() -> Iterator[str]:
    for family in Meters(tenants=True).described:
        yield f"| `{family.name}` | {family.type} | {', '.join(f'`{one}`' for one in family.labels)} | {family.told} |"


FORMATS_PAGE = """# Formats

What is read, told by a file's bytes; among kinds of text its name decides. A name that promises another format than the
bytes hold is refused (`mislabelled`). `GET /api/v1/formats` gives this list to programs.

| format | names end in | media type | what survives |
|---|---|---|---|
"""


def formats() -> str:
    """Every format that is read."""
    rows = (
        f"| {one.name} | {', '.join(f'`{end}`' for end in one.suffixes)} | `{one.media_type}` | {one.kept} |\n"
        for one in FORMATS
    )
    return FORMATS_PAGE + "".join(rows)


def files() -> dict[Path, str]:
    """What should stand where."""
    return {
        DOCS / "openapi.json": openapi(),
        DOCS / "reference" / "settings.md": settings(),
        DOCS / "reference" / "command-line.md": command_line.text(),
        DOCS / "reference" / "metrics.md": metrics(),
        DOCS / "reference" / "api.md": pages.api(description()),
        DOCS / "reference" / "errors.md": pages.errors(),
        DOCS / "reference" / "events.md": pages.events(),
        DOCS / "reference" / "formats.md": formats(),
    }


def main() -> int:
    """Write the files."""
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
