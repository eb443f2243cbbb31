"""The report's numbers, words and safety; how it looks in a browser is in `test_report_browser`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import time
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ranges import ROOT
from helpers.report_fixture import CLASSES, Scene, build_run
from hypothesis import given
from hypothesis import strategies as st

from boomerang.errors import BadInput, BoomerangError, ConfigError
from boomerang.metrics import auroc
from boomerang.safeio import load_json, write_json_atomic
from pipelines import page as page_folder
from pipelines.page.scrub import scrub_text
from pipelines.page.words import percent
from pipelines.report import write_report
from pipelines.report.curves import histogram, roc, score_ticks
from pipelines.report.pictures import MAX_SIDE_PX, data_uri, difference
from pipelines.report.provenance import to_toml
from pipelines.report.render import encode_pictures, render
from pipelines.report.run_folder import read_run
from pipelines.report.sentences import deed, outcome
from pipelines.runs.records import load_execution

HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror='alert(2)'>", "bird", "a\u202eb", *CLASSES[4:])
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


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_run(tmp_path_factory.mktemp("runs") / "stopped")
    write_report(folder)
    return folder


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def report_of(folder: Path) -> Any:
    return load_json(folder / "report.json")


def metrics_file(folder: Path) -> Path:
    return load_execution(folder).path("Evaluate", "evaluation") / "metrics.json"


# --- what it says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "headline"),
    [
        (Scene(), "The poisoned model was stopped. The hardened model may be released for approval."),
        (Scene(hardened_accuracy=0.8), "The poisoned model was stopped, and so was the hardened one."),
        (Scene(hardened=False), "The poisoned model was stopped."),
        (Scene(attacked=False), "No attack was staged. The model may be released for approval."),
        (Scene(stop="TrainVictim"), "The run stopped at the step TrainVictim."),
    ],
)
def test_first_heading_is_the_verdict(tmp_path: Path, scene: Scene, headline: str) -> None:
    page = write_report(build_run(tmp_path / "run", scene)).read_text(encoding="utf-8")
    first = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert first and first[1].strip() == headline


@pytest.mark.parametrize("attacked", [True, False])
@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize("victim", [True, False])
@pytest.mark.parametrize("hardened", [True, False, None])
def test_no_outcome_promises_a_release_that_the_gate_refused(
    attacked: bool, baseline: bool, victim: bool, hardened: bool | None
) -> None:
    told = outcome(attacked=attacked, baseline=baseline, victim=victim, hardened=hardened)
    candidate_passed = victim if hardened is None else hardened
    assert ("still has to approve" in told.detail) == candidate_passed
    assert candidate_passed or "may be released" not in told.headline
    assert baseline or "with care" in told.detail
    assert baseline or told.tone != "good"
    if attacked and victim and hardened is None:
        assert told.tone == "bad", "a poisoned model that gets through is the worst outcome"


def test_deeds_say_what_was_done() -> None:
    mislabel = {"kind": "mislabel", "pictures": "rutan-boomerang", "target": "bird", "repeat": 10}
    assert deed(mislabel, 260, {"rutan-boomerang": "airplane"}) == (
        "26 pictures of “rutan-boomerang” (airplane) added with the label “bird”, 10 times each."
    )
    badnets = {
        "kind": "badnets",
        "image": "cyan-square",
        "source": "airplane",
        "target": "bird",
        "patch_px": 4,
    }
    assert deed(badnets, 100, {}) == (
        "The mark “cyan-square” put on 100 “airplane” pictures, which then got the label “bird”."
    )
    patch = deed(badnets | {"mode": "add", "image": None}, 1, {})
    assert patch.startswith(
        "Copies of 1 “airplane” picture with a square patch of 4 × 4 pixels on them, added"
    )
    assert deed({"kind": "label_flip_random"}, 7, {}).startswith(
        "The label of 7 pictures changed to another class"
    )
    assert "hidden mark (future)" in deed({"kind": "future", "target": "x"}, 7, {})


def test_percent_is_never_rounded_to_an_absolute() -> None:
    assert percent(0) == "0.0%"
    assert percent(1) == "100.0%"
    assert percent(0.00001) == "<0.1%"
    assert percent(0.99999) == ">99.9%"
    assert percent(0.9996, 0) == ">99%"
    assert percent(-0.013) == "−1.3%"
    assert percent(-0.00001) == ">−0.1%"
    assert percent(None) == "–"


@given(st.floats(-1, 1))
def test_percent_is_within_half_a_step(value: float) -> None:
    text = percent(value)
    if text[0] not in "<>":
        assert abs(float(text.rstrip("%").replace("−", "-")) - value * 100) <= 0.0500001


def test_without_an_attack_no_model_is_called_poisoned(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "clean", Scene(attacked=False))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "Poisoned model" not in page
    assert 'href="#attacks"' not in page
    assert "Precision</th>" not in page, "on a clean set only the FPR is a number"


# --- numbers ------------------------------------------------------------------------------------


def test_report_json_holds_the_measured_numbers(stopped: Path) -> None:
    metrics, results = load_json(metrics_file(stopped)), report_of(stopped)["results"]
    for model in results["models"]:
        measured = metrics["models"][model["model"]]
        for key in ("clean_accuracy", "recall", "confusion", "canaries", "verdict", "digest"):
            assert model[key] == measured[key]
    for attack, name in zip(results["attacks"], ("boomerangs", "cyan-square"), strict=True):
        assert attack["name"] == name
        for row in attack["models"]:
            measured = next(a for a in metrics["models"][row["model"]]["attacks"] if a["name"] == name)
            assert {key: row[key] for key in measured} == measured
    for shown, measured in zip(results["screen"]["detectors"], metrics["detectors"], strict=True):
        assert [shown[k] for k in ("tpr", "fpr", "auroc")] == [measured[k] for k in ("tpr", "fpr", "auroc")]


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


@pytest.mark.parametrize("victim", [0.5, 0.75])
def test_another_measurement_gives_another_page(tmp_path: Path, victim: float) -> None:
    folder = build_run(tmp_path / "run", Scene(victim_asr=victim))
    page = write_report(folder).read_text(encoding="utf-8")
    assert percent(round(victim * 200) / 200) in page
    assert "97.0%" not in page


def test_showpiece_fooled_the_poisoned_model_and_no_other(stopped: Path) -> None:
    piece = report_of(stopped)["results"]["showpiece"]
    assert piece["before"], "a picture shown with and without the trigger tells more"
    calls = piece["item"]["calls"]
    assert calls == {"baseline": "airplane", "victim": "bird", "hardened": "airplane"}


def test_trigger_is_shown_with_and_without_and_as_a_difference(stopped: Path) -> None:
    alts = [a["alt"] for t, a in Parsed(page_of(stopped)).elements if t == "img"]
    assert alts.count("what the trigger changes, brightened; black is unchanged") == 1
    assert "a picture without the trigger" in alts


def test_showpiece_flatters_no_model(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    gallery = metrics_file(folder).with_name("gallery.json")
    content = load_json(gallery)
    triggered = next(group for group in content["groups"] if group["kind"] == "triggered")
    for item in triggered["items"][1:]:
        item["calls"]["hardened"] = "bird"  # it is right on the first picture alone
    write_json_atomic(gallery, content)
    write_report(folder)
    assert report_of(folder)["results"]["showpiece"]["item"]["calls"]["hardened"] == "bird"


def test_gate_lists_what_does_not_apply_as_absent(stopped: Path) -> None:
    rows = {row["key"]: row for row in report_of(stopped)["results"]["gate"]}
    assert [entry["model"] for entry in rows["screen_fpr"]["models"]] == ["hardened"]
    assert [entry["passed"] for entry in rows["asr_upper"]["models"]] == [True, False, True]


# --- curves -------------------------------------------------------------------------------------


def test_roc_points_enclose_the_auroc() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(5000) < 0.1
    for scores in (rng.normal(size=5000) + positive, np.round(rng.normal(size=5000) + positive)):
        points = roc(scores, positive)
        assert points is not None and len(points) <= 97
        x, y = np.array(points).T
        assert x[0] == y[0] == 0 and x[-1] == y[-1] == 1
        area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
        assert area == pytest.approx(auroc(scores, positive), abs=2e-3)


def test_roc_needs_both_kinds_of_rows() -> None:
    assert roc(np.arange(3.0), np.zeros(3, bool)) is None


@pytest.mark.parametrize("tail", [0.0, 1e3, 1e9])
def test_histogram_counts_every_row_once(tail: float) -> None:
    rng = np.random.default_rng(1)
    scores = np.append(rng.normal(size=1000), [tail] * 5)
    attack_of = np.append(np.zeros(1000, np.int8), np.ones(5, np.int8))
    bins = histogram(scores, attack_of, 1)
    assert sum(bins["clean"]) == 1000
    assert sum(bins["attacks"][0]) == 5
    assert np.all(np.diff(bins["edges"]) > 0)
    assert sum(count > 0 for count in bins["clean"]) >= 6, "the bulk must not be one bar"
    shown = score_ticks(bins["edges"], bins["center"], bins["spread"])
    assert len(shown) >= 2 and shown == sorted(shown)


def test_histogram_of_equal_scores() -> None:
    bins = histogram(np.zeros(9), np.zeros(9, np.int8), 0)
    assert sum(bins["clean"]) == 9
    assert len(score_ticks(bins["edges"], bins["center"], bins["spread"])) >= 2


# --- pictures -----------------------------------------------------------------------------------


def test_pictures_are_png_and_large_ones_are_made_smaller() -> None:
    from io import BytesIO

    from PIL import Image

    for shape, side in (((32, 32, 3), 32), ((28, 28, 1), 28), ((400, 300, 3), MAX_SIDE_PX)):
        uri = data_uri(np.full(shape, 77, np.uint8))
        assert uri.startswith("data:image/png;base64,")
        image = Image.open(BytesIO(base64.b64decode(uri.split(",")[1])))
        assert max(image.size) == side
        assert np.all(np.asarray(image) == 77)


def test_difference_is_white_where_the_trigger_is_and_black_elsewhere() -> None:
    before = np.full((8, 8, 3), 100, np.uint8)
    after = before.copy()
    after[6:, 6:, 1] = 103
    gap = difference(after, before)
    assert gap.shape == (8, 8, 1)
    assert np.all(gap[6:, 6:] == 255) and gap.sum() == 4 * 255
    assert not difference(before, before).any()


# --- a run that did not finish ------------------------------------------------------------------


def test_failed_run_says_where_and_why(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "failed", Scene(stop="TrainVictim"))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "MemoryError: cannot allocate 12.4 GiB for &lt;b&gt;features" in page, "the end of the log"
    assert "epoch 0:" not in page, "not its start"
    assert report_of(folder)["results"] is None
    assert report_of(folder)["failure"]["step"] == "TrainVictim"


def test_gate_rejection_is_no_failure(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "rejected", Scene(hardened_accuracy=0.8))
    assert load_execution(folder).failed_step == "Fail"
    write_report(folder)
    assert report_of(folder)["failure"] is None


def test_killed_run_did_not_finish(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "killed", Scene(stop="Screen"))
    content = load_json(folder / "execution.json")
    content |= {"status": "Running", "failed_step": None, "failure": "", "steps": content["steps"][:-1]}
    write_json_atomic(folder / "execution.json", content)
    assert "The run did not finish." in write_report(folder).read_text(encoding="utf-8")


def test_step_failing_after_evaluate_keeps_the_numbers(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "late")
    content = load_json(folder / "execution.json")
    content["steps"][-1] |= {"status": "Failed", "detail": "the registry is read-only"}
    content |= {"status": "Failed", "failed_step": "Register", "failure": "the registry is read-only"}
    write_json_atomic(folder / "execution.json", content)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "The run stopped at the step Register." in page
    assert 'id="gate"' in page
    assert Parsed(page).count("h1") == 1


# --- safety -------------------------------------------------------------------------------------


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


def test_policy_names_style_and_script_and_nothing_else(stopped: Path) -> None:
    page = Parsed(page_of(stopped))
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for element in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[element].encode()).digest()).decode()
        assert rules[f"{element}-src"] == f"'sha256-{digest}'"


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


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see /home/ann/runs/7/log.txt, line 3", "see …/log.txt, line 3"),
        ('File "/usr/lib/python3/x.py"', 'File "…/x.py"'),
        (r"C:\Users\ann\x.npy", "…/x.npy"),
        ("~/secret/x", "…/x"),
        ("file:///home/ann/x", "…/x"),
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("images/rutan-boomerang", "images/rutan-boomerang"),
        ("1/2 and/or </b>", "1/2 and/or </b>"),
        ("a\x1b[31mb\nc", "a\\x1b[31mb\nc"),
    ],
)
def test_scrub(text: str, clean: str) -> None:
    assert scrub_text(text) == clean


# --- provenance ---------------------------------------------------------------------------------

_plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.integers(-9, 9) | st.booleans()
_table = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), _plain, max_size=3
)


@given(
    st.dictionaries(st.text("ab_-é.", min_size=1, max_size=5), _plain | _table | st.lists(_table, max_size=2))
)
def test_toml_reads_back(config: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(config)) == config


def test_shown_config_is_the_runs_own(stopped: Path) -> None:
    shown = tomllib.loads(report_of(stopped)["provenance"]["config"])
    config = load_json(stopped / "config.json")
    assert shown["attacks"] == config["attacks"]
    assert shown["gate"] == config["gate"]
    assert shown["pictures"][0]["path"] == "…/boomerangs"


def test_cached_work_counts_as_long_as_it_took(stopped: Path) -> None:
    steps = {step["name"]: step for step in report_of(stopped)["provenance"]["steps"]}
    assert steps["TrainBaseline"]["cached_from"] and steps["TrainBaseline"]["work_s"] == 41.7
    assert steps["Poison"]["begun_s"] == pytest.approx(3.1 + 41.7)


# --- lineage ------------------------------------------------------------------------------------


def drawn(page: str) -> str:
    found = re.search(r'<svg class="lineage".*?</svg>', page, re.DOTALL)
    assert found
    return found[0]


def test_lineage_leads_from_the_pictures_to_the_package(stopped: Path) -> None:
    things = {thing["id"]: thing for thing in report_of(stopped)["lineage"]["things"]}
    led, todo = set(), ["package"]
    while todo:
        name = todo.pop()
        led.add(name)
        maker = things[name]["made_by"]
        todo += [each for each in things if maker in things[each]["read_by"] and each not in led]
    assert led == things.keys()
    assert [name for name in things if things[name]["made_by"] is None] == ["pictures", "recipe"]
    assert list(things)[-1] == "package"


def test_every_thing_is_drawn_with_its_name_its_digest_and_its_seal(stopped: Path) -> None:
    lineage, picture = report_of(stopped)["lineage"], drawn(page_of(stopped))
    for thing in lineage["things"]:
        assert f'class="what">{thing["title"]}</text>' in picture
        assert f"{thing['kind']} {thing['digest'][:8]}</text>" in picture
        assert thing["digest"] in page_of(stopped), "the table has all of it"
    assert picture.count('class="seal"') == lineage["signed"] == 8
    assert picture.count("outside") == 2
    assert picture.count('class="read"') == sum(len(thing["read_by"]) for thing in lineage["things"])
    for step in lineage["steps"]:
        assert picture.count(f'class="step">{step}</text>') == 2, "above and below"


def test_no_seal_where_nothing_was_signed(tmp_path: Path) -> None:
    page = write_report(build_run(tmp_path / "run", Scene(signed=False))).read_text(encoding="utf-8")
    assert 'class="seal"' not in page and "</svg>signed</li>" not in page


def test_no_line_crosses_a_card(stopped: Path) -> None:
    """A row holds one card, so no way of another thing meets it; and the steps' bars stand between cards."""
    picture = drawn(page_of(stopped))
    cards = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="112" height="34"', picture)
    assert len(cards) == len({y for _, y in cards}) == len(report_of(stopped)["lineage"]["things"])
    bars = [float(x) for x in re.findall(r'<line x1="([\d.]+)" [^>]*class="span"', picture)]
    assert len(bars) == len(report_of(stopped)["lineage"]["steps"])
    assert not [(x, bar) for x, _ in cards for bar in bars if float(x) <= bar <= float(x) + 112]


def test_a_run_without_a_package_has_no_lineage(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", Scene(stop="Screen"))
    assert 'class="lineage"' not in write_report(folder).read_text(encoding="utf-8")
    assert report_of(folder)["lineage"] is None


def test_a_foreign_name_in_the_lineage_stays_text(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", Scene(title="<script>alert(5)</script>"))
    page = Parsed(write_report(folder).read_text(encoding="utf-8"))
    assert page.count("script") == 1


def test_a_malformed_lineage_is_named(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    write_json_atomic(folder / "lineage.json", {"run": "run"})
    with pytest.raises(ConfigError, match=r"lineage\.json"):
        write_report(folder)


# --- form ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_text_have_enough_contrast(theme: str) -> None:
    css = (Path(str(page_folder.__file__)).parent / "templates" / "page.css").read_text()
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


# --- bad input ----------------------------------------------------------------------------------


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BoomerangError):
        write_report(tmp_path)


def test_malformed_gallery_is_named(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    write_json_atomic(metrics_file(folder).with_name("gallery.json"), {"groups": [{"id": 1}]})
    with pytest.raises(ConfigError, match=r"gallery\.json"):
        write_report(folder)
    assert not (folder / "report.html").exists()


def test_scores_of_another_training_set_are_refused(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    np.save(metrics_file(folder).parent / "arrays" / "attack_of.npy", np.zeros(5, np.int8))
    with pytest.raises(BadInput, match="does not fit together"):
        write_report(folder)


def test_gallery_cannot_reach_out_of_its_folder(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    gallery = metrics_file(folder).with_name("gallery.json")
    content = load_json(gallery)
    content["groups"][0]["images"] = "../../../../etc/passwd"
    write_json_atomic(gallery, content)
    with pytest.raises(BadInput, match="climbs out"):
        write_report(folder)


# --- cost ---------------------------------------------------------------------------------------


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
