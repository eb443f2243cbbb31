"""What tests read of a finished report: its page as a browser sees it, and its numbers."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from boomerang.manifest import commit, read_manifest
from boomerang.safeio import load_json
from pipelines.runs.records import load_execution

VOID = {"meta", "link", "img", "br"}


class Parsed(HTMLParser):
    """What a browser would see: elements with attributes, and the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(html)
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            self.raw[self._open[-1]] = data
        elif "svg" not in self._open and "dl" not in self._open[-2:]:
            self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def report_of(folder: Path) -> Any:
    return load_json(folder / "report.json")


def metrics_file(folder: Path) -> Path:
    return load_execution(folder).path("Evaluate", "evaluation") / "metrics.json"


def commit_again(folder: Path) -> None:
    """Commit a run's evaluation as it is now: as one who writes there could, who is no signer."""
    evaluation = metrics_file(folder).parent
    commit(evaluation, read_manifest(evaluation))
