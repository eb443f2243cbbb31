"""Data validation: what is wrong with the rows themselves, before any model is asked.

Four rules: blank images, exact duplicates, near duplicates that carry another label, and the balance
of the classes (reported only). They find poison that is careless about its pixels: pictures repeated
to give them weight, and a trigger stamped on copies whose originals are still in the set. A single
new picture with a wrong label passes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.blocks import blocks, rows_at_once
from boomerang.errors import BadInput
from boomerang.manifest import Bools, Images, Labels, Rows
from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.near import MOST_MEASURED, Close, Limits, close_pairs, learn_limits

Digests = npt.NDArray[np.bytes_]
_DIGEST_BYTES = 16
_BLOCK_BYTES = 4 << 20
_NOTHING_NEAR = "no two trusted rows have different labels, so it did not look for near duplicates"


@dataclass(frozen=True)
class Evidence:
    """What is wrong with the rows.

    Attributes
    ----------
    y : int64[N]
    blank : bool[N]
    groups : list of int64[n]
        The rows of each group that has the same pixels.
    near : int64[N]
        Near duplicates with another label that come before the row.
    limits : Limits or None
        Within which two rows are near duplicates.
    indexed : bool
        Whether there were too many rows to compare each with each, so that few may have been missed.
    short : int
        Rows that have more rows nearly like them than are measured: some of theirs may be missed.
    contradicted : bool[N]
        Rows that a trusted row contradicts.
    balance : mapping
        See `class_balance`.
    """

    y: Labels
    blank: Bools
    groups: list[Rows]
    near: Rows
    limits: Limits | None
    indexed: bool
    short: int
    contradicted: Bools
    balance: dict[str, Any]


class DataValidation(Detector):
    """Checks of pixels and labels against each other and against the trusted set.

    A row's score is the number of findings against it: other rows with the same pixels, near
    duplicates with another label, and one for a blank image.

    Attributes
    ----------
    min_contrast : int
        An image whose brightest and darkest values are less than this apart is blank.
    repeats : int
        From so many copies on every copy is flagged: a set collected in good faith does not hold
        the same picture so often. With fewer, the first one is kept.
    near_fraction : float
        Two rows with different labels are near duplicates if their clipped distance is below this
        fraction of the least one between trusted rows with different labels (see
        `processing.defenses.common.near`); 0 turns the rule off.
    """

    title: ClassVar[str] = "data validation"
    source: ClassVar[str] = (
        "Breck et al. 2019, Data validation for machine learning (the idea); rules our own"
    )
    assumes: ClassVar[str] = "the poison is copies, near copies with other labels, or no images of this kind"
    costs: ClassVar[str] = "seconds, and no model; trusted rows set the distance of near copies"
    fails: ClassVar[str] = "whatever comes once and looks like the rest"

    sets_aside: ClassVar[bool] = True

    kind: Literal["data_validation"] = "data_validation"
    min_contrast: int = Field(default=2, ge=0, le=256)
    repeats: int = Field(default=3, ge=2)
    near_fraction: float = Field(default=0.5, ge=0, le=1)

    def score(self, suspect: Suspect) -> Scored[Evidence]:
        """Look for what is wrong with every row; raises BadInput for arrays that are no images."""
        _check(suspect)
        blank, digests = looked_at(suspect.x, self.min_contrast)
        groups = alike(digests)
        copies = np.zeros(len(suspect.y), np.int64)
        alone = ~blank
        for rows in groups:
            copies[rows] = len(rows) - 1
            alone[rows[1:]] = False
        limits = learn_limits(suspect.trusted_x, suspect.trusted_y, self.near_fraction)
        near, found = self._near(suspect, np.flatnonzero(alone), limits)
        contradicted = contradicts_trusted(suspect, digests)
        return Scored(
            (copies + near + blank + contradicted).astype(np.float64),
            Evidence(
                suspect.y,
                blank,
                groups,
                near,
                limits,
                found.indexed,
                len(found.short),
                contradicted,
                class_balance(suspect),
            ),
        )

    def decide(self, scored: Scored[Evidence]) -> Finding:
        """Flag every row with a finding against it; of a picture that is there a few times one stays."""
        found = scored.state
        repeated = np.zeros(len(found.y), bool)
        for rows in found.groups:
            repeated[rows if self._distrusts(found.y[rows]) else rows[1:]] = True
        notes = {
            "blank": int(found.blank.sum()),
            "exact_duplicates": _duplicate_notes(found.groups, found.y, repeated),
            "near_duplicates": {
                "flagged": int((found.near > 0).sum()),
                "limits": asdict(found.limits) if found.limits else None,
                "compared": "with an index" if found.indexed else "all",
                "cut_short": found.short,
            },
            "contradict_trusted": int(found.contradicted.sum()),
            "class_balance": found.balance,
        }
        flagged = found.blank | repeated | (found.near > 0) | found.contradicted
        return Finding(scored.scores, flagged, notes=notes, warnings=self._blind(found))

    def _blind(self, found: Evidence) -> tuple[str, ...]:
        """Return what it did not look for."""
        if self.near_fraction > 0 and found.limits is None:
            return (_NOTHING_NEAR,)
        if not found.short:
            return ()
        why = (
            f"rows look much like more than {MOST_MEASURED} others and were compared with the nearest of them"
        )
        return (f"{found.short} {why} alone: near duplicates of theirs may be missed",)

    def _distrusts(self, labels: Labels) -> bool:
        """Whether no copy of a group can be trusted: too many of them, or they disagree."""
        return len(labels) >= self.repeats or len(np.unique(labels)) > 1

    def _near(self, suspect: Suspect, rows: Rows, limits: Limits | None) -> tuple[Rows, Close]:
        """Return int64[N], near duplicates with another label before the row, and what was compared.

        Of such a pair the later row is held to be the copy: what is added to a set comes after it.
        Only `rows` are compared: one of each picture, so that a flood of copies costs nothing.
        """
        counts, found = np.zeros(len(suspect.y), np.int64), Close()
        if limits is not None and self.near_fraction > 0:
            pairs = close_pairs(suspect.x, suspect.y, limits, found, rows=rows, seed=suspect.seed)
            for _, later in pairs:
                np.add.at(counts, later, 1)
        return counts, found


def _check(suspect: Suspect) -> None:
    """Refuse arrays that are not what a dataset holds; everything after relies on it."""
    for what, x, y in (
        ("suspect set", suspect.x, suspect.y),
        ("trusted set", suspect.trusted_x, suspect.trusted_y),
    ):
        if x.dtype != np.uint8 or x.ndim != 4 or y.shape != x.shape[:1]:
            got = f"got {x.dtype}{list(x.shape)} with labels {list(y.shape)}"
            raise BadInput(what, got, "give uint8[N, H, W, C] with int64[N]")
        if len(y) and not (int(y.min()) >= 0 and int(y.max()) < len(suspect.classes)):
            why = f"labels span {y.min()}..{y.max()}, the classes are {len(suspect.classes)}"
            raise BadInput(what, why, "give each label a class name")
    if suspect.x.shape[1:] != suspect.trusted_x.shape[1:]:
        why = f"images are {suspect.x.shape[1:]}, the trusted ones {suspect.trusted_x.shape[1:]}"
        raise BadInput("suspect set", why, "prepare both by the same step")


def looked_at(x: Images, min_contrast: int = 0) -> tuple[Bools, Digests]:
    """Return bool[N], images of uint8[N, H, W, C] whose values span less, and each one's digest."""
    blank, digests = np.zeros(len(x), bool), np.zeros(len(x), f"S{_DIGEST_BYTES}")
    for part, images in blocks(x, rows_at_once(x, _BLOCK_BYTES)):
        flat = images.reshape(len(images), -1)
        blank[part] = flat.max(1).astype(np.int64) - flat.min(1) < min_contrast
        sums = b"".join(blake2b(image.tobytes(), digest_size=_DIGEST_BYTES).digest() for image in flat)
        digests[part] = np.frombuffer(sums, digests.dtype)
    return blank, digests


def alike(digests: Digests) -> list[Rows]:
    """Return the groups of two or more rows with the same digest, ascending, by their first row."""
    _, group, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    several = np.flatnonzero(sizes[group] > 1)
    by_group = several[np.argsort(group[several], kind="stable")]
    groups = np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1) if len(by_group) else []
    return sorted(groups, key=lambda rows: int(rows[0]))


def contradicts_trusted(suspect: Suspect, digests: Digests) -> Bools:
    """Return bool[N]: rows with the pixels of a trusted row and another label than it has there."""
    known = looked_at(suspect.trusted_x)[1]
    agreed = np.isin(_labeled(digests, suspect.y), _labeled(known, suspect.trusted_y))
    return np.asarray(np.isin(digests, known) & ~agreed)


def _labeled(digests: Digests, y: Labels) -> Digests:
    """Return digests of pixels and label."""
    both = np.column_stack(
        [digests.view(np.uint8).reshape(-1, _DIGEST_BYTES), y.astype("<i8")[:, None].view(np.uint8)]
    )
    return both.view(f"S{both.shape[1]}")[:, 0]


def class_balance(suspect: Suspect) -> dict[str, Any]:
    """Compare the class counts of the two sets by a chi-square test of homogeneity.

    Returns
    -------
    dict
        `p_value` (None where a test makes no sense) and `ratio`: per class its share of the suspect
        set over its share of the trusted set, None where the trusted set has no such class.
    """
    from scipy.stats import chi2_contingency

    classes = len(suspect.classes)
    table = np.array([np.bincount(y, minlength=classes) for y in (suspect.y, suspect.trusted_y)])
    seen = table[:, table.sum(0) > 0]
    testable = seen.shape[1] > 1 and bool(seen.sum(1).all())
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    ratio = {
        name: round(float(mine / theirs), 4) if theirs else None
        for name, mine, theirs in zip(suspect.classes, *shares, strict=True)
    }
    return {"p_value": float(f"{chi2_contingency(seen).pvalue:.3g}") if testable else None, "ratio": ratio}


def _duplicate_notes(groups: list[Rows], y: Labels, flagged: Bools) -> dict[str, int]:
    sizes = [len(rows) for rows in groups]
    return {
        "groups": len(groups),
        "rows": sum(sizes),
        "largest_group": max(sizes, default=0),
        "groups_with_several_labels": sum(len(np.unique(y[rows])) > 1 for rows in groups),
        "flagged": int(flagged.sum()),
    }
