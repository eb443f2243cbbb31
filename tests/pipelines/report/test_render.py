"""The report's page: nothing on it but the report's numbers, safe against foreign names, readable, and quick.

How it looks in a browser is in `test_browser`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import ROOT
from helpers.report_fixture import build_run
from helpers.report_pages import Parsed, commit_again, metrics_file, page_of, report_of
from helpers.scenes import CLASSES, Scene

from boomerang.safeio import load_json, write_json_atomic
from pipelines.page.wording import percent
from pipelines.report import write_report
from pipelines.report.render import encode_pictures, render
from pipelines.report.run_folder import read_run

HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror='alert(2)'>", "bird", "a\u202eb", *CLASSES[4:])


def test_page_is_made_from_report_json_and_pictures_alone(stopped: Path) -> None:
    text = (stopped / "report.json").read_text(encoding="utf-8")
    pictures = encode_pictures(read_run(stopped).evaluation)
    assert render(json.loads(text), pictures) == page_of(stopped)


def test_every_number_on_the_page_comes_from_report_json(stopped: Path) -> None:
    allowed = {"0", "100", "95", "256"} | set(_sayings(report_of(stopped)))
    text = " ".join(Parsed(page_of(stopped)).text)
    for said in re.findall(r"\d[\d,]*(?:\.\d+)?", text):
        assert said.strip(",") in allowed, f"{said} is on the page and not in report.json"


def _sayings(value: Any) -> list[str]:
    """Return every way in which the page may write the numbers of a JSON value."""
    if isinstance(value, dict):
        return [said for item in value.values() for said in _sayings(item)] + [
            said for key in value for said in _sayings(key)
        ]
    if isinstance(value, list):
        own = [str(len(value)), str(max(0, len(value) - 12))]  # how many there are, and how many are folded
        return own + [said for item in value for said in _sayings(item)]
    if isinstance(value, str):
        return [n.strip(",") for n in re.findall(r"\d[\d,]*(?:\.\d+)?", value)] + [value[:12]]
    if isinstance(value, bool) or value is None:
        return []
    parts = re.findall(r"[\d.]+", f"{percent(value)} {percent(value, 0)}")
    minutes = [str(int(value) // 60), f"{round(value) % 60:02d}"] if value >= 60 else []
    plain = [
        f"{value:,}",
        f"{value:.0f}",
        f"{value:.1f}",
        f"{value:.2f}",
        f"{value:.3f}",
        f"{value:.4g}",
        str(value),
    ]
    return [p.lstrip("-") for p in plain + parts + minutes + [f"{value * 100:.1f}"]]


def test_trigger_is_shown_with_and_without_and_as_a_difference(stopped: Path) -> None:
    alts = [a["alt"] for t, a in Parsed(page_of(stopped)).elements if t == "img"]
    assert alts.count("what the trigger changes, brightened; black is unchanged") == 1
    assert "a picture without the trigger" in alts


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_run(tmp_path_factory.mktemp("runs") / "hostile", Scene(classes=HOSTILE))
    gallery = metrics_file(folder).with_name("gallery.json")
    content = load_json(gallery)
    for group in content["groups"]:
        group["title"] += " <script>alert(3)</script>"
        for item in group["items"]:
            item["id"] = "x' onload='alert(4)"
    write_json_atomic(gallery, content)
    commit_again(folder)
    write_report(folder)
    return folder


def test_foreign_names_stay_text(hostile: Path) -> None:
    page = Parsed(page_of(hostile))
    assert page.count("script") == 1
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert "style" not in attributes, f"{tag}: the content security policy forbids it"
        assert tag != "img" or str(attributes["src"]).startswith("data:image/png;base64,")
    assert HOSTILE[0] in "".join(page.text), "the name is still shown, as text"
    assert "\u202e" not in page_of(hostile)


def test_page_asks_for_nothing_from_outside(stopped: Path) -> None:
    page = Parsed(page_of(stopped))
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "srcset", "poster"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:")), f"{tag} {name}"
    assert not re.search(r"url\(|@import", page.raw["style"])


@pytest.mark.parametrize("scene", [Scene(), Scene(stop="TrainVictim")], ids=["whole", "failed"])
def test_no_path_of_this_machine_is_shown(tmp_path: Path, scene: Scene) -> None:
    folder = build_run(tmp_path / "run", scene)
    write_report(folder)
    for text in (page_of(folder), (folder / "report.json").read_text(encoding="utf-8")):
        for path in ("/home/", str(tmp_path), str(Path.home()) + "/", str(Path.cwd())):
            assert path not in text


def test_page_is_well_formed_and_readable_without_sight(stopped: Path) -> None:
    page = Parsed(page_of(stopped))
    assert page.count("h1") == 1
    assert all("alt" in attributes for tag, attributes in page.elements if tag == "img")
    assert all(
        "aria-label" in attributes or attributes.get("aria-hidden") == "true" or "overflow" in attributes
        for tag, attributes in page.elements
        if tag == "svg"
    )
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {str(a["href"])[1:] for t, a in page.elements if t == "a"}
    assert targets <= set(names)


def test_many_classes_get_the_largest_confusions(tmp_path: Path) -> None:
    classes = tuple(f"class-{k}" for k in range(20))
    page = write_report(build_run(tmp_path / "many", Scene(classes=classes))).read_text(encoding="utf-8")
    assert "its most frequent mistakes" in page
    assert 'class="confusion"' not in page


def test_report_is_quick_small_and_imports_little(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    heavy = {"tensorflow", "keras", "sagemaker", "sklearn", "art", "matplotlib", "scipy", "boto3"}
    program = (
        "import sys; from pathlib import Path; from pipelines.report import write_report; "
        "write_report(Path(sys.argv[1])); "
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not heavy & set(done.stdout.split())
    assert (folder / "report.html").stat().st_size < 3_000_000
    begun = time.process_time()
    write_report(folder)
    assert time.process_time() - begun < 2
