"""The document, its page, its drawings and its tables, of findings that are made up."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built

from boomerang.scoring import rate
from pipelines.inspection.bars import bars
from pipelines.inspection.document import build
from pipelines.inspection.examined import Examined
from pipelines.inspection.lab import Lab, Measured
from pipelines.inspection.render import pictures_of, render
from pipelines.inspection.subject import Subject
from pipelines.inspection.tables import show
from training.checks.mm_bd import judged
from training.checks.neural_cleanse import ReversedTriggers
from training.checks.weighed import weigh
from training.checks.weight_spectrum import HeadSpectrum, LayerSpectrum

NAMES = ("cat", "dog", "<b>bird</b>", "frog", "ship", "\x1b[2Jcar")
SIZES = np.float32([9, 10, 1, 11, 10, 9])
TRIGGERS = ReversedTriggers(
    tuple(range(6)),
    np.full((6, 8, 8), 0.5, np.float32),
    np.ones((6, 8, 8, 1), np.float32),
    SIZES,
    np.ones(6, np.float32),
    (9.5 - SIZES),
)
MEASURED = Measured("as it is", rate(9, 10), rate(10, 10), cpu_s=1.0)
LAB = Lab(
    {"trusted": 10, "clean": 10, "triggered": 10},
    (MEASURED, Measured("GoodNet", rate(8, 10), rate(1, 10), rate(1, 10), rate(9, 10)),
     Measured("<i>CLP</i>", None, None, note="in /home/ann/x: no norm")),
    "conv", (0, 4, 8), (0.9, 0.8, 0.1), (1.0, 0.5, 0.1),
)  # fmt: skip


def document(margins: Any = (10, 11, 12, 10, 11, 12), *, rows: bool = True) -> dict[str, Any]:
    margins = judged(np.float32(margins))
    channels = (LayerSpectrum("conv", np.array([1.0, 2.0])),)
    head = HeadSpectrum(*(np.float32([1, 2, 3, 4, 5, 6]) for _ in range(4)))
    triggers = TRIGGERS if rows else None
    found = Examined(
        margins, triggers, channels, head, "", weigh(margins, triggers, channels, head), {"MM-BD": 1.0}
    )
    subject = Subject("m.keras", "a foreign model file", built(classes=6), NAMES)
    return build(subject, found, LAB if rows else None, 3)


def test_it_is_json_and_says_the_verdict() -> None:
    found = document()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["verdict"]["targets"] == ["<b>bird</b>"]
    assert found["verdict"]["headline"] == "Suspicious: a backdoor to “<b>bird</b>”"
    assert found["lab"]["models"][0]["asr"]["value"] == 1.0
    assert found["lab"]["models"][2]["note"] == "in …/x: no norm"


def test_nothing_found_is_never_called_clean() -> None:
    found = document(rows=False)
    assert found["verdict"]["headline"] == "Nothing found" and found["verdict"]["targets"] == []
    assert "does not make the model clean" in render(found, {})


class Page(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_shows_the_trigger_and_runs_and_loads_nothing() -> None:
    clean = np.zeros((5, 8, 8, 1), np.uint8)
    page = Page()
    page.feed(text := render(document(), pictures_of(TRIGGERS, clean)))
    assert "<b>bird" not in text and "<i>CLP" not in text and "\x1b" not in text
    sources = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(sources) == 2 + 2 * 4 and all(str(src).startswith("data:image/png") for src in sources)
    assert not [attrs for _, attrs in page.tags if "style" in attrs or "onclick" in attrs]
    assert sum(tag == "polyline" for tag, _ in page.tags) == 2


def test_the_terminal_shows_the_same_and_is_not_acted_on(capsys: pytest.CaptureFixture[str]) -> None:
    show(document(), Path("page.html"))
    out = capsys.readouterr().out
    assert "Suspicious: a backdoor to “<b>bird</b>”." in out and "page: page.html" in out
    assert "GoodNet" in out and "90.0%" in out and "\x1b[2J" not in out


def test_of_many_classes_the_highest_are_drawn() -> None:
    drawn = bars(list(range(100)), [f"c{k}" for k in range(100)], ["c99"], "t", "c")
    assert drawn.count("<rect") == 40 and "c99: 99" in drawn and "c10: 10" not in drawn
    assert bars([-1.0, 2.0], ["a", "b"], [], "t", "c").count("<rect") == 2
