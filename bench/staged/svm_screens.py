"""Screens against the attacks on a support vector machine, as Razmi & Xiong (2021) stage them, on MNIST.

Fours and zeros: 100 rows to learn from, 200 trusted ones, 200 to test on, as many of either class and drawn
anew by each seed; poison beside them. Attacks, screens and machine are called here one after the other, in
one process, and not as steps of a pipeline: that would take hours. The class distance is that of pixels.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import real_file
from bench.harness import KEPT
from bench.machine import versions
from bench.results import RESULTS
from bench.staged.seeds import add_seeds
from boomerang.config import Spec
from boomerang.digest import digest_json
from boomerang.manifest import Bools, Images, Labels
from processing.attacks.common.pool import Pool
from processing.attacks.common.recipe import create
from processing.defenses.common.base import Detector, Features, Suspect
from processing.defenses.screening import DETECTORS

_CLASSES, _DIGITS = ("4", "0"), (4, 0)
_ROWS = {"train": 100, "trusted": 200, "test": 200}
_ATTACKS = {
    "flipping": "flipped labels",
    "optimal": "optimal",
    "semi_optimal": "semi-optimal",
    "mixed": "mixed",
}
_RATES = (0.1, 0.2, 0.3)
_MAX_FPR = 0.01


@dataclass(frozen=True)
class Screened:
    """A detector that scores once, and what is called so that decides on its scores.

    Attributes
    ----------
    settings : mapping
        Its kind and what it scores by.
    rules : mapping of str to str
        By title, the `rule` that decides.
    """

    settings: Mapping[str, Any]
    rules: Mapping[str, str]

    def with_rule(self, rule: str) -> Detector:
        """Return the detector that decides by a rule."""
        return DETECTORS.create(Spec(**{**self.settings, "rule": rule, "max_fpr": _MAX_FPR}))


_SCREENS = (
    Screened({"kind": "z_score", "whiten": "none"}, {"class distance": "paper"}),
    Screened({"kind": "magnet", "learn": "suspect"}, {"MagNet": "paper"}),
    Screened({"kind": "autoencoder", "learn": "suspect"}, {"RAE": "paper"}),
    Screened(
        {"kind": "cae", "learn": "suspect", "plus": True}, {"CAE+": "paper", "CAE+, guarded": "guarded"}
    ),
    Screened(
        {"kind": "cae", "learn": "trusted"},
        {"CAE": "paper", "CAE, guarded": "guarded", "CAE, trusted threshold": "trusted"},
    ),
)
_TITLES = tuple(title for each in _SCREENS for title in each.rules)


class Pixels:
    """A victim whose features are the pixels, 0..1: what the class distance is measured among."""

    def embed(self, x: Images) -> Features:
        """Return float32[N, H * W * C]."""
        return np.asarray(x.reshape(len(x), -1) / 255, np.float32)


@dataclass(frozen=True)
class SvmScreens:
    """The table, measured seed by seed."""

    name: str = "cae_svm_mnist"
    words: str = "CAE, RAE, CAE+, MagNet and the class distance on a poisoned machine, MNIST, seed by seed"
    cpu_s: int = 3500
    seeds: tuple[int, ...] = tuple(range(10, 20))

    def measure(self, out: Path = RESULTS, seeds: Sequence[int] = ()) -> Path:
        """Measure the seeds that the result lacks, and write it after each; see `add_seeds`.

        Raises
        ------
        UsageError
            If the real data is not to be had, the settings have changed since the seeds that are there, or
            there is no such seed.
        """
        path = out / f"{self.name}.json"
        with np.load(real_file("mnist", KEPT)) as stored:
            x, y = (
                np.asarray(stored["x_train"]).reshape(-1, 28, 28, 1),
                np.asarray(stored["y_train"], np.int64),
            )
        what = [dict(each.settings) | {"rules": dict(each.rules)} for each in _SCREENS]
        digest = digest_json([what, list(_ATTACKS), list(_RATES), _ROWS, _CLASSES, _MAX_FPR])
        head = {"name": self.name, "command": f"python -m bench {self.name}", "campaign": digest}
        add_seeds(
            path, head, "bench/staged/svm_screens.py", self.seeds, seeds, lambda seed: measured(x, y, seed)
        )
        print("\n".join(self.table(out)))
        return path

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: what was found, and the accuracy after; a line for each attack and rate."""
        seeds = list(json.loads((folder / f"{self.name}.json").read_text())["seeds"].values())
        lines = [f"| F1 (precision, recall), seeds: {len(seeds)} | {' | '.join(_TITLES)} |"]
        lines.append("| --- |" + " --- |" * len(_TITLES))
        every = [[seed["cells"][number] for seed in seeds] for number in range(len(seeds[0]["cells"]))]
        for cells in every:
            found = ([cell["screens"][title] for cell in cells] for title in _TITLES)
            poisoned, clean = (sum(cell[key] for cell in cells) for key in ("poisoned", "clean"))
            lines.append(
                f"| {_title(cells[0])} | {' | '.join(_found(each, poisoned, clean) for each in found)} |"
            )
        rows = ("nothing", "a perfect filter", *_TITLES)
        lines += [
            "",
            f"| accuracy after, in percent | {' | '.join(rows)} |",
            "| --- |" + " --- |" * len(rows),
        ]
        for cells in every:
            shares = (
                [100 * cell["screens"][row]["right"] / cell["tested"] for cell in cells] for row in rows
            )
            lines.append(f"| {_title(cells[0])} | {' | '.join(map(_spread, shares))} |")
        return lines


def measured(x: Images, y: Labels, seed: int) -> dict[str, Any]:
    """Return what all screens find and leave on the sets of one seed, clean and poisoned, as plain JSON."""
    train, trusted, test = drawn(y, seed)
    labels = (y == _DIGITS[1]).astype(np.int64)
    cells = []
    for attack, rate in [("", 0.0), *((attack, rate) for attack in _ATTACKS for rate in _RATES)]:
        rows, given, poisoned = poisoning(x[train], labels[train], attack, rate, seed)
        suspect = Suspect(rows, given, x[trusted], labels[trusted], _CLASSES, Pixels(), seed)  # type: ignore[arg-type]
        kept = {"nothing": np.ones(len(given), bool), "a perfect filter": ~poisoned}
        kept |= {title: ~flagged for title, flagged in screened(suspect)}
        told = {}
        for title, left in kept.items():
            right = right_after(rows[left], given[left], x[test], labels[test])
            told[title] = {
                "flagged": int((~left).sum()),
                "hit": int((~left & poisoned).sum()),
                "right": right,
            }
        counts = {"poisoned": int(poisoned.sum()), "clean": int((~poisoned).sum()), "tested": len(test)}
        cells.append({"attack": attack, "rate": rate, **counts, "screens": told})
        print(f"seed {seed}, {attack or 'clean'} {rate:g}", flush=True)
    return {"cells": cells, "versions": versions(("keras", "scikit-learn", "tensorflow"))}


def drawn(y: Labels, seed: int) -> list[Any]:
    """Return the rows int64[n] of each part, disjoint, as many of either class and in random order."""
    rng = np.random.default_rng([seed, 1])
    of_class = [rng.permutation(np.flatnonzero(y == digit)) for digit in _DIGITS]
    ends = np.cumsum([0, *_ROWS.values()]) // 2
    return [
        rng.permutation(np.concatenate([rows[start:end] for rows in of_class]))
        for start, end in pairwise(ends)
    ]


def poisoning(x: Images, y: Labels, attack: str, rate: float, seed: int) -> tuple[Images, Labels, Bools]:
    """Return rows with poison among them, in random order, and which are poison; else the rows."""
    if not attack:
        return x, y, np.zeros(len(y), bool)
    settings: dict[str, Any] = {"kind": f"svm_{attack}", "mode": "add", "rate": rate}
    if attack != "flipping":
        settings["kernel"] = "linear"
    rng = np.random.default_rng([seed, 2])
    batch = create(Spec(**settings)).poison(Pool(x, y, _CLASSES, np.arange(len(y))), rng)
    order = rng.permutation(len(y) + len(batch.y))
    both_x, both_y = np.concatenate([x, np.asarray(batch.x)]), np.concatenate([y, batch.y])
    return both_x[order], both_y[order], order >= len(y)


def screened(suspect: Suspect) -> Iterator[tuple[str, Bools]]:
    """Give the title of each screen and what it flags."""
    for each in _SCREENS:
        by_title = {title: each.with_rule(rule) for title, rule in each.rules.items()}
        scored = next(iter(by_title.values())).score(suspect)
        yield from ((title, detector.decide(scored).flagged) for title, detector in by_title.items())


def right_after(x: Images, y: Labels, test_x: Images, test_y: Labels) -> int:
    """Return how many images a linear machine (C = 1) gets right that learned from some rows.

    Of a single class it says that class of all, and of no row nothing.
    """
    from sklearn.svm import SVC

    if len(np.unique(y)) < 2:
        return int((test_y == y[0]).sum()) if len(y) else 0
    machine = SVC(C=1.0, kernel="linear").fit(x.reshape(len(x), -1) / 255, y)
    return int((machine.predict(test_x.reshape(len(test_x), -1) / 255) == test_y).sum())


def _title(cell: Mapping[str, Any]) -> str:
    return f"{_ATTACKS[cell['attack']]}, {100 * cell['rate']:g}%" if cell["attack"] else "nobody attacks"


def _found(found: Sequence[Mapping[str, int]], poisoned: int, clean: int) -> str:
    """Return F1, precision and recall of the rows of all seeds; where none is poisoned, the share flagged."""
    flagged, hit = (sum(each[key] for each in found) for key in ("flagged", "hit"))
    if not poisoned:
        return f"{100 * flagged / clean:.1f}% flagged"
    precision = f"{hit / flagged:.2f}" if flagged else "–"
    return f"{2 * hit / (flagged + poisoned):.2f} ({precision}, {hit / poisoned:.2f})"


def _spread(shares: Sequence[float]) -> str:
    spread = f" ± {statistics.stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{statistics.mean(shares):.1f}{spread}"


SVM_SCREENS = SvmScreens()
