"""Show the fetching of the models; the work itself is ``appliance.catalog.source``."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from appliance.catalog import manifest, source
from appliance.kit.errors import ApplianceError


def main(store: Path) -> int:
    """Ensure every package in ``store``; 0, or 1 with the reason told."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for package in source.PACKAGES:
            try:
                ensure(package, store, progress)
            except ApplianceError as error:
                console.print(f"[red]{package.name}: {error.detail}[/red]\n{error.advice}", highlight=False)
                return 1
    for package in source.PACKAGES:
        found = manifest.read(store / package.name)
        console.print(f"{found.name}  {found.size / 1e6:.0f} MB  {found.licence}  {found.digest[:12]}", highlight=False)
    return 0


def ensure(package: source.Package, store: Path, progress: Progress) -> None:
    """One bar for each step of one package."""
    bars: dict[str, TaskID] = {}

    def show(step: str, done: int, total: int | None) -> None:
        if step not in bars:
            bars[step] = progress.add_task(f"{package.name} {step}", total=total)
        progress.update(bars[step], completed=done, total=total)

    source.ensure(package, store, show)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
