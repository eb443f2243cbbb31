"""The folder that a canary leaves: what it measured, and the same as it is published.

metrics.json    `CanaryMetrics`
data.jsonl      see `boomerang.watching.history`
manifest.json   commits the folder
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from boomerang.config import Strict, validate
from boomerang.errors import IntegrityError
from boomerang.manifest import Manifest, commit, committing, verify_folder
from boomerang.metrics import METRICS_FILE, CanaryMiss
from boomerang.safeio import load_json, write_bytes_atomic, write_json_atomic
from boomerang.scoring import Rate
from boomerang.watching.history import as_line, read_history
from boomerang.watching.metric_names import Datum

KIND = "canary"
DATA_FILE = "data.jsonl"


class CanaryMetrics(Strict):
    """The whole of `metrics.json`.

    Attributes
    ----------
    measured : datetime
        UTC; the time of every datum that is published.
    model, canaries : str
        The digests, as they were verified.
    accuracy : Rate
        Canary records that were given their own class.
    balanced : float
        The mean of that over the classes, which is what is published: one that always gives the class of most
        records does not do well by it.
    classes, groups : mapping of str to Rate
        The same by class, and by where the records are from (`records`, or a set of pictures).
    baseline, accuracy_drop : float
        The registered canary accuracy, and what is lost of it (less than 0: gained); both balanced.
    attacks : mapping of str to Rate
        Attack success rate on the probes of each attack that has any.
    registered : mapping of str to float
        The same as it was registered, on the same probes.
    worst : float or None
        What is published of the group and alarmed on: the largest rate of all attacks. Of an attack
        without a trigger only what it has beyond the clean model's, since a clean model too takes some
        cats for dogs; the gate judges it likewise.
    not_measured : mapping of str to str
        Why another attack could not be measured.
    flagged, certified
        As they were registered, see `boomerang.watching.briefing.CanarySettings`.
    """

    format: int = 1
    group: str
    version: int
    measured: datetime
    model: str
    canaries: str
    accuracy: Rate
    balanced: float
    classes: dict[str, Rate]
    groups: dict[str, Rate]
    baseline: float
    accuracy_drop: float
    misses: tuple[CanaryMiss, ...]
    attacks: dict[str, Rate]
    registered: dict[str, float]
    worst: float | None
    not_measured: dict[str, str]
    flagged: int
    certified: int | None


def write_canary(path: Path, metrics: CanaryMetrics, data: Sequence[Datum], manifest: Manifest) -> None:
    """Write the folder in one piece."""
    with committing(path) as out:
        write_json_atomic(out / METRICS_FILE, metrics.model_dump(mode="json"))
        write_bytes_atomic(out / DATA_FILE, b"".join(as_line(datum) for datum in data))
        commit(out, manifest.model_copy(update={"kind": KIND}))


def open_data(folder: Path) -> tuple[Datum, ...]:
    """Verify the folder, and return what is published of it.

    Raises
    ------
    IntegrityError
        If a file is not what the manifest says, or it is no canary's folder.
    """
    if verify_folder(folder).kind != KIND:
        raise IntegrityError(f"{folder} is no canary's output", "its manifest is of another kind")
    return read_history(folder / DATA_FILE)


def open_canary(folder: Path) -> tuple[CanaryMetrics, tuple[Datum, ...]]:
    """Verify the folder, and return what was measured and what is published of it; see `open_data`."""
    data = open_data(folder)
    return validate(CanaryMetrics, load_json(folder / METRICS_FILE), where=METRICS_FILE), data
