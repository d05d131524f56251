"""Import what the rules look at."""

import importlib
import pkgutil
from types import ModuleType

import appliance


def import_all(name: str) -> tuple[ModuleType, ...]:
    """Import ``appliance.<slice>.<name>`` of every slice that has it."""
    slices = [found.name for found in pkgutil.iter_modules(appliance.__path__) if found.ispkg]
    found = [f"appliance.{each}.{name}" for each in slices if _has(f"appliance.{each}", name)]
    return tuple(importlib.import_module(module) for module in found)


def _has(package: str, name: str) -> bool:
    return any(found.name == name for found in pkgutil.iter_modules(importlib.import_module(package).__path__))
