"""The shell of a page: what it may run, what it makes of foreign text, and whether its colors can be read."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from pathlib import Path

import pytest
from helpers.ranges import ROOT
from helpers.report_pages import Parsed

from pipelines.page.shell import Shell


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A page of its own templates, of which one value is hostile."""
    (tmp_path / "own.css").write_text('{% include "page.css" %}\n.own { color: red; }\n')
    (tmp_path / "own.html").write_text(
        '{% extends "shell.html" %}'
        "{% block main %}<h1>{{ name | loud }}, {{ 0.5 | percent }}</h1>{% endblock %}"
    )
    return Shell(tmp_path, {"loud": str.upper}).render("own", name="<script>")


def test_policy_names_style_and_script_and_nothing_else(page: str) -> None:
    parsed = Parsed(page)
    policy = next(
        a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for element in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(parsed.raw[element].encode()).digest()).decode()
        assert rules[f"{element}-src"] == f"'sha256-{digest}'"


def test_a_page_has_its_own_templates_over_the_shared_ones(page: str) -> None:
    assert "<h1>&lt;SCRIPT&gt;, 50.0%</h1>" in page
    assert ".own { color: red; }" in page and ".skip:focus" in page
    assert Parsed(page).count("script") == 1


def test_what_a_page_does_of_its_own_is_in_the_same_script(page: str, tmp_path: Path) -> None:
    (tmp_path / "own.js").write_text('"use strict";\nlet own = 1 < 2;\n')
    doing = Parsed(Shell(tmp_path, {"loud": str.upper}).render("own", name="x"))
    shared = Parsed(page).raw["script"]
    assert doing.count("script") == 1
    assert doing.raw["script"] == f'{shared}"use strict";\nlet own = 1 < 2;\n'
    digest = base64.b64encode(hashlib.sha256(doing.raw["script"].encode()).digest()).decode()
    assert any(f"script-src 'sha256-{digest}'" in str(a.get("content")) for _, a in doing.elements)


def test_a_style_sheet_can_count_what_the_page_shows(page: str, tmp_path: Path) -> None:
    (tmp_path / "own.css").write_text("{% for each in name %}.s-{{ loop.index }} {}{% endfor %}")
    style = Parsed(Shell(tmp_path, {"loud": str.upper}).render("own", name="abc")).raw["style"]
    assert style == ".s-1 {}.s-2 {}.s-3 {}"


@pytest.mark.parametrize(
    ("folder", "never"),
    [
        ("page", ("pipelines.report", "pipelines.watching")),
        ("report", ("pipelines.watching",)),
        ("watching/dashboard", ("pipelines.report",)),
        ("matrix", ("pipelines.watching",)),
    ],
)
def test_the_pages_know_what_they_share_and_not_each_other(folder: str, never: tuple[str, ...]) -> None:
    for path in (ROOT / "pipelines" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith(never), path
                assert node.module != "pipelines" or not {f"pipelines.{n.name}" for n in node.names} & set(
                    never
                )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_text_have_enough_contrast(theme: str) -> None:
    css = (ROOT / "pipelines" / "page" / "templates" / "page.css").read_text()
    block = re.search(rf"macro {theme}\(\) %}}(.*?){{% endmacro", css, re.DOTALL)
    assert block
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[1]))
    pairs = [(text, back) for text in ("ink", "soft", "link") for back in ("page", "card", "sunk")]
    pairs += [(t, b) for t in ("good", "bad", "warn") for b in (f"{t}-tint", "card", "page")]
    for text, back in pairs:
        assert _contrast(colors[text], colors[back]) >= 4.5, f"{text} on {back}"
    for mark in ("baseline", "victim", "hardened", "attack-1", "attack-2", "attack-3", "attack-4"):
        assert _contrast(colors[mark], colors["card"]) >= 3, mark


def _contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
