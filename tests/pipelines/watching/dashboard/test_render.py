"""The dashboard's page: what is on it, and what it does not tell."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.ranges import ROOT
from helpers.report_fixture import build_run
from helpers.scenes import Scene
from helpers.workspaces import HOSTILE, NOW, canary, end

from boomerang.watching.history import append_history
from pipelines.cli.main import main
from pipelines.watching.dashboard import dashboard_page
from pipelines.watching.dashboard.render import markdown


def test_markdown_does_nothing_but_what_it_should() -> None:
    assert markdown(f"## {HOSTILE}") == "<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>"
    assert markdown(r"\*\*a\*\*") == "<p>**a**</p>"
    assert markdown("- `a`\n\n[x](javascript:1)") == (
        '<p class="item"><code>a</code></p><p>[x](javascript:1)</p>'
    )


def test_a_workspace_of_failures_says_what_they_are(tmp_path: Path) -> None:
    end(build_run(tmp_path / "stopped", Scene(stop="Poison")), NOW)
    text = dashboard_page(tmp_path, now=NOW)
    assert "nothing to draw" in text
    assert "it stopped at Poison" in text


def test_a_group_with_canaries_alone_is_drawn(tmp_path: Path) -> None:
    append_history(tmp_path / "metrics.jsonl", canary("fish", 1, NOW - timedelta(hours=1), 0.9))
    text = dashboard_page(tmp_path, now=NOW)
    assert text.count('class="chart"') == 6
    assert 'id="runs"' not in text
    assert "0 runs and 1 canary of this machine" in text


def test_the_page_tells_no_path_of_this_machine(watched: Path) -> None:
    assert str(watched) not in dashboard_page(watched, now=NOW)


def test_the_command_writes_one_file_and_says_where(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a" / "page.html"
    assert main(["dashboard", "--out", str(workspace), "--page", str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert file.read_text().startswith("<!doctype html>")
    assert list(file.parent.iterdir()) == [file]


def test_the_dashboard_takes_nothing_heavy() -> None:
    code = "import sys, pipelines.watching.dashboard.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "boto3", "sagemaker", "scipy", "sklearn"} & set(done.stdout.split())


def test_no_news_of_a_model_is_no_good_news(tmp_path: Path) -> None:
    append_history(tmp_path / "metrics.jsonl", canary("fish", 1, NOW, 0.98))
    headlines = {
        hours: re.findall(r"<h1>(.*?)</h1>", dashboard_page(tmp_path, now=NOW + timedelta(hours=hours)))
        for hours in (1, 30)
    }
    assert headlines == {
        1: ["No alarm on the model stands."],
        30: ["Nobody knows how the model is now."],
    }
