"""The rows of the benchmarks; a file of this folder adds its own in `ROWS`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from bench.contest import Row

__all__ = ["ROWS"]

ROWS: dict[str, Row] = {
    row.name: row
    for name in sorted(module.name for module in iter_modules(__path__))
    for row in import_module(f"{__name__}.{name}").ROWS
}
