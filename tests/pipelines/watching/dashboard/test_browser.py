"""The dashboard in a real Chromium: every widget drawn, nothing asked from outside, nothing overlapping."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.chromium import Page, browser_page, find_chromium
from helpers.workspaces import HOSTILE, NOW, canary

from boomerang.watching.history import append_history
from pipelines.watching.dashboard import dashboard_page, metric_history, write_dashboard
from pipelines.watching.dashboard.render import local_body

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed: apt install chromium"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser_page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def keep(page: Page, file: Path, width: int) -> None:
    """Keep a picture of the whole page where BOOMERANG_ARTIFACTS says."""
    if folder := os.environ.get("BOOMERANG_ARTIFACTS"):
        height = page.evaluate("document.documentElement.scrollHeight")
        page.open(file, width=width, height=height)
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(Path(folder) / f"dashboard-{width}.png")


@pytest.mark.parametrize("width", [360, 1280])
def test_every_widget_is_drawn(page: Page, watched: Path, tmp_path: Path, width: int) -> None:
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file, width=width)
    body = local_body(metric_history(watched))
    kinds = page.evaluate("[...document.querySelectorAll('[data-widget]')].map(w => w.dataset.widget)")
    assert kinds == [widget["type"] for widget in body["widgets"]]
    undrawn = page.evaluate(
        "[...document.querySelectorAll('[data-widget=metric]')]"
        ".filter(w => !w.querySelector('svg.chart .series .dot')).map(w => w.querySelector('h3').textContent)"
    )
    assert undrawn == [
        "Changed rows that half of the canaries are safe from",  # these runs certify nothing
        "Charges of the account this month, USD",  # a machine has no bill, and the widget says so
    ]
    assert page.evaluate("document.querySelectorAll('.alarms li').length") == 7
    assert page.evaluate("document.querySelector('h1').textContent") == "The model is in alarm."
    assert page.complaints() == []
    assert page.requests() == [file.as_uri()]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    keep(page, file, width)


def test_hostile_names_are_shown_and_do_nothing(page: Page, watched: Path, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file)
    assert HOSTILE in page.evaluate("document.body.textContent")
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.images.length") == 0
    assert page.complaints() == []


def test_labels_of_the_axes_do_not_overlap(page: Page, watched: Path, tmp_path: Path) -> None:
    data = [d for k in range(40) for d in canary("boomerang", 3, NOW - timedelta(hours=7 * k), 0.9)]
    append_history(watched / "metrics.jsonl", data)
    file = tmp_path / "dashboard.html"
    file.write_text(dashboard_page(watched, now=NOW))
    page.open(file)
    overlaps = page.evaluate("""
        [...document.querySelectorAll('svg.chart')].flatMap(chart => {
          const ticks = [...chart.querySelectorAll('.tick:not(.limit-name)')];
          const boxes = ticks.map(tick => [tick.textContent, tick.getBBox()]);
          return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
            p.x < q.x + q.width && q.x < p.x + p.width && p.y + 2 < q.y + q.height && q.y + 2 < p.y + p.height
          ).map(([b]) => [chart.getAttribute('aria-label'), a, b]));
        })""")
    assert overlaps == []


def test_an_empty_workspace_says_what_to_run(page: Page, tmp_path: Path) -> None:
    file = write_dashboard(tmp_path / "runs")
    page.open(file)
    assert "python -m pipelines run" in page.evaluate("document.querySelector('main').innerText")
    assert page.evaluate("document.querySelectorAll('[data-widget]').length") == 0
    assert page.complaints() == []
