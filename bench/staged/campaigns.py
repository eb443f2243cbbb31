"""What campaign entries reach, over seeds; the tables of docs/results.md.

Each entry is staged once a seed through the command line. Interrupted, it goes on where it stopped: finished
steps come from the cache. A seed draws another dataset, other splits and other weights.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.contest import ROOT
from bench.data import photographs, real_file
from bench.harness import KEPT
from bench.results import RESULTS, write
from bench.staging import command
from boomerang.digest import digest_json
from boomerang.errors import StepFailed

MODELS = ("baseline", "victim", "hardened")

# Four fifths, class-balanced, in five epochs, as CI stages it.
_PART = [
    *("data.train=40000", "data.test=2000", "data.validation=1000"),
    *("train.epochs=5", "train.sizes=[24, 24, 24, 24, 32]"),
]


@dataclass(frozen=True)
class Campaign:
    """An entry and the seeds that it is staged on.

    Attributes
    ----------
    name, words, title : str
        By which it is called, what it measures, what its rows are called.
    config : str
    overrides : tuple of str
        `KEY=VALUE`; of a value in angle brackets the file or folder of the real data.
    seeds : tuple of int
    cpu_s : int
        About how long it takes.
    """

    name: str
    words: str
    title: str
    config: str
    overrides: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    cpu_s: int = 300

    def measure(self, out: Path = RESULTS, runs: Path = KEPT / "campaigns") -> Path:
        """Stage it on every seed and write what it reached.

        Parameters
        ----------
        out : Path
            Where the result goes.
        runs : Path
            Where it is staged; what is done there already is not done again.

        Raises
        ------
        UsageError
            If it is of real data, and that is not there.
        StepFailed
            If a run fails.
        """
        overrides = [_filled(override) for override in self.overrides]
        path = out / f"{self.name}.json"
        write(path, self.told([_metrics(self, overrides, seed, runs) for seed in self.seeds]))
        print("\n".join(table([self], out)))
        return path

    def told(self, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the metrics of the seeds say of the numbers that are shown, as it is committed."""
        found = [list(_numbers(run)) for run in runs]
        return {
            "format": 1,
            "name": self.name,
            "command": f"python -m bench {self.name}",
            "seeds": list(self.seeds),
            "numbers": [
                {"of": of, "what": what, "by_seed": [each[place][2] for each in found]}
                for place, (of, what, _) in enumerate(found[0])
            ],
        }


def _filled(override: str) -> str:
    """Return an override with the place of the real data in it."""
    if "<" not in override:
        return override
    places = {"<cifar10>": partial(real_file, "cifar10"), "<mnist>": partial(real_file, "mnist")}
    for name, place in (places | {"<photographs>": photographs}).items():
        override = override.replace(name, str(place(KEPT))) if name in override else override
    return override


def _metrics(campaign: Campaign, overrides: Sequence[str], seed: int, out: Path) -> dict[str, Any]:
    """Stage one seed; what is done already comes from the cache."""
    run_id = f"{campaign.name.replace('_', '-')}-{digest_json([campaign.config, *overrides])[:8]}-seed-{seed}"
    words = command(out, run_id, [f"seed={seed}", *overrides], config=campaign.config)
    code = subprocess.run(words, cwd=ROOT, check=False, stdout=sys.stderr).returncode
    if code not in (0, 1):
        raise StepFailed(
            f"{campaign.name}, seed {seed}", f"its run ended with {code}", "see what it says above"
        )
    (found,) = (out / run_id).glob("s3/**/evaluation/metrics.json")
    metrics: dict[str, Any] = json.loads(found.read_text())
    return metrics


def _numbers(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the numbers to show: of what, which, and its rate or the gate's verdict."""
    for model in MODELS:
        told = metrics["models"][model]
        yield model, "clean accuracy", _rate(told["clean_accuracy"])
        for attack in told["attacks"]:
            yield model, f"ASR of {attack['name']}", _rate(attack["asr"])
    for name, rate in metrics["screen"]["by_attack"].items():
        yield "screen", f"TPR on {name}", _rate(rate)
    yield "screen", "FPR", _rate(metrics["screen"]["fpr"])
    for model in MODELS:
        yield model, "gate", {"passed": metrics["models"][model]["verdict"]["passed"]}


def _rate(rate: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rate with its interval, as many figures as are shown and one more."""
    return {name: None if rate[name] is None else round(rate[name], 4) for name in ("value", "low", "high")}


# ---- tables


def table(campaigns: Sequence[Campaign], folder: Path = RESULTS) -> list[str]:
    """Return the Markdown of campaigns: of one, a column a seed; of several of one seed, a column a model."""
    told = [json.loads((folder / f"{each.name}.json").read_text()) for each in campaigns]
    if len(campaigns) == 1:
        return _by_seed(told[0])
    lines = [f"| | {' | '.join(MODELS)} |", "| --- |" + " --- |" * len(MODELS)]
    for campaign, each in zip(campaigns, told, strict=True):
        lines += _by_model(campaign.title, each["numbers"])
    return lines


def _by_seed(told: Mapping[str, Any]) -> list[str]:
    head = " | ".join(f"seed {seed}" for seed in told["seeds"])
    lines = [f"| | {head} | mean ± sd |", "| --- |" + " --- |" * (len(told["seeds"]) + 1)]
    for number in told["numbers"]:
        rates = number["by_seed"]
        values = [100 * rate["value"] for rate in rates if rate.get("value") is not None]
        spread = f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        lines.append(f"| {number['of']}: {number['what']} | {' | '.join(map(_said, rates))} | {spread} |")
    return [line.replace("|  |", "| |") for line in lines]


def _by_model(title: str, numbers: Sequence[Mapping[str, Any]]) -> list[str]:
    found = {(number["of"], number["what"]): _said(number["by_seed"][0]) for number in numbers}
    whats = list(dict.fromkeys(what for of, what in found if of != "screen"))
    lines = [
        f"| {title}: {what} | {' | '.join(found.get((model, what), '–') for model in MODELS)} |"
        for what in whats
    ]
    screened = [f"{what} {said}" for (of, what), said in found.items() if of == "screen"]
    return [*lines, f"| {title}: the screen | | {'; '.join(screened)} | |"] if screened else lines


def _said(rate: Mapping[str, Any]) -> str:
    """Return a rate in percent with its interval, or what the gate says."""
    if "passed" in rate:
        return "passes" if rate["passed"] else "rejected"
    if rate["value"] is None:
        return "–"
    return f"{100 * rate['value']:.1f} ({100 * rate['low']:.1f}–{100 * rate['high']:.1f})"


_CIFAR10 = ("data.path=<cifar10>", "pictures.0.path=<photographs>", *_PART)
CAMPAIGNS = {
    each.name: each
    for each in (
        Campaign(
            "bundled",
            "what the bundled entry reaches on three seeds",
            "bundled",
            "default",
            (),
            (0, 1, 2),
            750,
        ),
        Campaign(
            "bundled_retrained",
            "the same, trained anew without the flagged rows",
            "bundled, retrained",
            "default",
            ('harden=[{kind="retrain"}]',),
            (0, 1, 2),
            750,
        ),
        Campaign(
            "real_mnist",
            "MNIST with the white corner",
            "MNIST",
            "mnist-corner",
            ("data.path=<mnist>",),
            cpu_s=700,
        ),
        Campaign(
            "real_cifar10",
            "a part of CIFAR-10 with the photographs",
            "CIFAR-10, 40,000 rows",
            "cifar10",
            _CIFAR10,
            cpu_s=1200,
        ),
        Campaign("fashion", "the bundled photographs of clothes", "Fashion-MNIST", "fashion", cpu_s=120),
    )
}
