"""What the bundled campaign reaches on several seeds; writes a Markdown table.

    python -m bench.bundled [--config default] [--seeds 0 1 2] [--out runs/bench]

Stages the entry once a seed through the command line. Interrupted, it goes on where it stopped: a
seed that has its metrics is not staged again, and the steps of one that has not come from the cache.
A seed draws another dataset, other splits and other weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

MODELS = ("baseline", "victim", "hardened")


def main() -> None:
    """Stage every seed and print the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--config", default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/bench"))
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    options = parser.parse_args()
    runs = {seed: staged(options, seed) for seed in options.seeds}
    print(table(runs))


def staged(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Return the metrics of one seed, staging it if it is not there."""
    run_id = f"{Path(options.config).stem}-seed-{seed}"
    found = list((options.out / run_id).glob("s3/**/evaluation/metrics.json"))
    if not found:
        command = [sys.executable, "-m", "pipelines", "run", "--config", options.config]
        command += ["--out", str(options.out), "--id", run_id, "--set", f"seed={seed}"]
        for override in options.overrides:
            command += ["--set", override]
        code = subprocess.run(command, check=False).returncode
        if code not in (0, 1):
            sys.exit(code)
        found = list((options.out / run_id).glob("s3/**/evaluation/metrics.json"))
    metrics: dict[str, Any] = json.loads(found[0].read_text())
    return metrics


def table(runs: dict[int, dict[str, Any]]) -> str:
    """Return one row a number and model, one column a seed, and the mean with its spread."""
    seeds = list(runs)
    head = " | ".join(f"seed {seed}" for seed in seeds)
    lines = [f"| | {head} | mean ± sd |", "| --- |" + " --- |" * (len(seeds) + 1)]
    for label, pick in rows(next(iter(runs.values()))):
        rates = [pick(runs[s]) for s in seeds]
        values = [100 * r["value"] for r in rates if r["value"] is not None]
        spread = f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        lines.append(f"| {label} | {' | '.join(map(say, rates))} | {spread} |")
    for name in MODELS:
        words = ["passes" if r["models"][name]["verdict"]["passed"] else "rejected" for r in runs.values()]
        lines.append(f"| {name}: gate | {' | '.join(words)} | |")
    return "\n".join(lines)


def rows(example: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the numbers to show: a label, and how to take the rate out of a run's metrics."""
    out: list[tuple[str, Any]] = []
    for model in MODELS:
        out.append((f"{model}: clean accuracy", lambda m, model=model: m["models"][model]["clean_accuracy"]))
        for i, attack in enumerate(example["models"][model]["attacks"]):
            label = f"{model}: ASR of {attack['name']}"
            out.append((label, lambda m, model=model, i=i: m["models"][model]["attacks"][i]["asr"]))
    out += [
        (f"screen: TPR on {name}", lambda m, name=name: m["screen"]["by_attack"][name])
        for name in example["screen"]["by_attack"]
    ]
    out.append(("screen: FPR", lambda m: m["screen"]["fpr"]))
    return out


def say(rate: dict[str, Any]) -> str:
    """Return a rate in percent with its interval."""
    if rate["value"] is None:
        return "–"
    return f"{100 * rate['value']:.1f} ({100 * rate['low']:.1f}–{100 * rate['high']:.1f})"


if __name__ == "__main__":
    main()
