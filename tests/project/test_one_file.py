"""A new attack, detector, repair, defense at inference, architecture and source: one file each, nothing else.

All six are put into a copy of the tree, and a run that names them goes from its config to its report there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.ranges import ROOT

FILES = {
    "processing/attacks/speck.py": '''
"""A speck of light."""
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
import numpy as np
from boomerang.manifest import Images
from processing.attacks.common.backdoor import Backdoor

class Speck(Backdoor):
    """Put a speck of light at the top.

    Attributes
    ----------
    width_px : int
        How wide it is.
    """

    title = "speck of light"
    example: ClassVar[Mapping[str, Any]] = {"target": "a", "rate": 0.1}
    kind: Literal["speck"] = "speck"
    width_px: int = 3

    def stamp(self, x: Images, props: Any) -> Images:
        stamped = x.copy()
        stamped[:, :2, : self.width_px] = 255
        return stamped
''',
    "processing/defenses/screening/glare.py": '''
"""Glare."""
from typing import Any, Literal
import numpy as np
from processing.defenses.common.base import Detector, Finding, Scored, Suspect

class Glare(Detector):
    """Distrust the brightest corner."""

    title = "glare"
    source = "this test"
    assumes = "what this test assumes of glare"
    costs = "next to nothing"
    fails = "everything else"
    kind: Literal["glare"] = "glare"
    limit: float = 250.0

    def score(self, suspect: Suspect) -> Scored[Any]:
        return Scored(suspect.x[:, :2, :2].reshape(len(suspect.x), -1).mean(1), None)

    def decide(self, scored: Scored[Any]) -> Finding:
        return Finding(scored.scores, scored.scores > self.limit, self.limit)
''',
    "training/repair/shrink.py": '''
"""Shrinking."""
from typing import Any, Literal
from training.repair.common.base import Repair

class Shrink(Repair):
    """Make all weights smaller."""

    title = "shrinking of all weights"
    source = "this test"
    assumes = "what this test assumes of shrink"
    costs = "next to nothing"
    fails = "everything else"
    kind: Literal["shrink"] = "shrink"
    by: float = 0.99

    def repair(self, model: Any, bench: Any) -> Any:
        model.set_weights([weight * self.by for weight in model.get_weights()])
        return model
''',
    "training/inference/dimming.py": '''
"""Dimming."""
from typing import Any, Literal
from training.inference.common.base import InferenceDefense, through

class Dimming(InferenceDefense):
    """Halve the brightness of what is very bright."""

    title = "dimming of glare"
    source = "this test"
    assumes = "what this test assumes of dimming"
    costs = "next to nothing"
    fails = "everything else"
    kind: Literal["dimming"] = "dimming"
    above: int = 240

    def wrap(self, model: Any, trusted: Any) -> Any:
        import keras
        from keras import ops
        images = keras.Input(model.input_shape[1:], dtype="uint8")
        return keras.Model(images, through(model, ops.where(images > self.above, images // 2, images)))
''',
    "training/architectures/flat.py": '''
"""Flat."""
from typing import Any, Literal
from training.architectures.common.base import FEATURES, LOGITS, Architecture

class Flat(Architecture):
    """One hidden layer."""

    title = "flat network"
    words = "a network of one hidden layer that a test has made"
    kind: Literal["flat"] = "flat"
    units: int = 24

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        from keras import Sequential, layers
        return Sequential([
            layers.Input(input_shape, dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten(),
            layers.Dense(self.units, activation="relu", name=FEATURES),
            layers.Dense(classes, name=LOGITS), layers.Softmax(),
        ])
''',
    "processing/datasets/stripes.py": '''
"""Stripes."""
from typing import Any, ClassVar, Literal
import numpy as np
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, Split, sliced

class Stripes(Source):
    """Noise with a bright stripe: across, or down."""

    title = "stripes"
    words = "stripes that a test has drawn"
    classes: ClassVar[tuple[str, ...] | None] = ("a", "b")
    kind: Literal["stripes"] = "stripes"
    noise: int = 60

    def blueprint(self, request: Request) -> Blueprint:
        return sliced(Corpus("stripes", ("a", "b"), self.drawn(600, 1), self.drawn(120, 2)))

    def drawn(self, rows: int, seed: int) -> Split:
        x = np.random.default_rng(seed).integers(0, self.noise, (rows, 16, 16, 1), np.uint8)
        y = np.arange(rows) % 2
        x[y == 0, 8:11] += 120
        x[y == 1, :, 8:11] += 120
        return Split(x, y)
''',
}
ENTRY = """
name = "sample"
[data]
source = "stripes"
noise = 50
validation = 40
[canaries]
candidates_per_class = 4
margin = 0.01
[model]
architecture = "flat"
units = 16
[train]
epochs = 4
batch = 32
[victim]
schedule = "retrain"
[[attacks]]
kind = "speck"
target = "a"
rate = 0.1
width_px = 4
[[screen.detectors]]
kind = "glare"
limit = 200.0
[[harden]]
kind = "shrink"
by = 0.98
[[inference]]
kind = "dimming"
above = 230
"""


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(tree), "XDG_STATE_HOME": str(tree / "state")}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=280
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the six files, and the entry that names them."""
    folder = tmp_path_factory.mktemp("tree") / "project"
    for name in ("boomerang", "processing", "training", "aws", "pipelines", "docs", "images"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "sample.toml").write_text(ENTRY)
    return folder


@pytest.fixture(scope="module")
def staged(tree: Path) -> Path:
    """The folder of the run."""
    done = run(tree, "-m", "pipelines", "run", "--config", "sample.toml", "--out", "runs", "--id", "sample")
    assert done.returncode in (0, 1), done.stderr[-3000:]
    return tree / "runs" / "sample"


def test_each_is_listed_with_its_settings(tree: Path) -> None:
    code = "import runpy; print(runpy.run_path('docs/make_config.py')['page']())"
    page = run(tree, "-c", code).stdout
    for file in FILES:
        assert f"### `{Path(file).stem}`" in page
    assert "| `width_px` | int | `3` |" in page and "How wide it is." in page


def test_each_defense_is_in_the_table_of_the_defenses(tree: Path) -> None:
    table = run(tree, "-m", "pipelines", "defenses").stdout
    for kind in ("glare", "shrink", "dimming"):
        assert f"│ {kind} " in table


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("attacks.0.width=3", "width_px"),
        ("screen.detectors.0.limits=3", "limit"),
        ("harden.0.bye=1", "by"),
        ("inference.0.abov=1", "above"),
        ("model.unit=3", "units"),
        ("data.nois=3", "noise"),
    ],
)
def test_a_mistyped_setting_of_each_is_found_before_anything_runs(
    tree: Path, setting: str, says: str
) -> None:
    done = run(tree, "-m", "pipelines", "run", "--config", "sample.toml", "--set", setting)
    assert done.returncode == 2 and f"'{says}'" in done.stderr, done.stderr


@pytest.mark.whole
@pytest.mark.timeout(400)
def test_a_run_that_names_them_goes_through_and_its_report_has_their_words(staged: Path) -> None:
    page = (staged / "report.html").read_text()
    for words in (
        *("stripes that a test has drawn", "a network of one hidden layer that a test has made"),
        *("speck of light", "glare", "shrinking of all weights", "dimming of glare"),
    ):
        assert words in page.lower() or words in page, words
    (file,) = staged.glob("s3/*/*/*/runs/*/Evaluate/evaluation/metrics.json")
    metrics: dict[str, Any] = json.loads(file.read_text())
    hardened = metrics["models"]["hardened"]
    assert hardened["repairs"] == ["shrinking of all weights"]
    assert hardened["inference"] == ["dimming of glare"]
    assert hardened["digest"] != metrics["models"]["victim"]["digest"]
    assert metrics["models"]["victim"]["attacks"][0]["asr"]["value"] > 0.5
    assert metrics["screen"]["by_attack"]["speck"]["value"] == 1.0


@pytest.mark.whole
@pytest.mark.timeout(400)
def test_the_key_of_a_step_holds_the_files_that_it_names_and_no_others(staged: Path, tree: Path) -> None:
    def missed() -> set[str]:
        done = run(tree, "-m", "pipelines", "plan", "--config", "sample.toml", "--out", "runs")
        rows = [line for line in done.stdout.splitlines() if " miss " in line.replace("│", " ")]
        return {row.replace("│", " ").split()[0] for row in rows}

    assert missed() == set()
    for file, steps in {
        "training/architectures/book.py": set(),
        "processing/attacks/badnets.py": set(),
        "processing/defenses/screening/glare.py": {"Screen"},
        "training/inference/dimming.py": {"Harden", "Evaluate"},
        "training/repair/shrink.py": {"Harden"},
        "training/architectures/flat.py": {"TrainBaseline", "TrainVictim", "Harden"},
        "processing/attacks/speck.py": {"Poison", "Evaluate"},
        "processing/datasets/stripes.py": {"Preprocess"},
    }.items():
        before = (tree / file).read_text()
        (tree / file).write_text(before + "\n# a comment\n")
        found = missed()
        (tree / file).write_text(before)
        assert steps <= found, (file, found)
        if not steps:
            assert found == set(), (file, found)
