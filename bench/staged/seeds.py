"""A result that grows seed by seed: what is measured already is not measured again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.machine import machine
from boomerang.errors import UsageError
from boomerang.safeio import write_json_atomic

Measure = Callable[[int], Mapping[str, Any]]


def add_seeds(
    path: Path,
    head: Mapping[str, Any],
    where: str,
    seeds: Sequence[int],
    chosen: Sequence[int],
    measure: Measure,
) -> None:
    """Measure the seeds that a result lacks, and write it after each; of these alone, where some are chosen.

    Parameters
    ----------
    path : Path
        The result; it need not exist.
    head : mapping
        What stands in it beside the seeds; its `campaign` is the digest of what is measured.
    where : str
        In which file it stands what is measured.
    seeds, chosen : sequence of int
        All that there are, and those to measure; none for all.
    measure : callable
        A seed -> what of it is kept, plain JSON.

    Raises
    ------
    UsageError
        If the digest is another one than that of the seeds that are there, or a seed is chosen that there is
        not.
    """
    told = json.loads(path.read_text()) if path.exists() else {**head, "seeds": {}}
    if told["campaign"] != head["campaign"]:
        why = f"{where} has changed since its seeds were measured"
        raise UsageError(str(path), why, "remove the file to measure them all anew")
    if unknown := sorted(set(chosen) - set(seeds)):
        raise UsageError(
            f"seed {unknown[0]}", f"{where} has the seeds {seeds}", "choose among them, or add it there"
        )
    for seed in chosen or seeds:
        if str(seed) not in told["seeds"]:
            told["seeds"][str(seed)] = {**measure(seed), "machine": machine()}
            write_json_atomic(path, told)
