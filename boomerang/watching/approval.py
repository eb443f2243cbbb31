"""The rules by which a person approves or rejects a model package, on this machine and on AWS alike.

The pipeline registers, a person decides. What was rejected, by the gate, an alarm or a person, is approved
only by an override with a reason; a rejection always has one. Deciding the same again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from boomerang.errors import BadInput, UsageError
from boomerang.gate import BY_KEY, Verdict, advice
from boomerang.metrics import Metrics

APPROVED, REJECTED = "Approved", "Rejected"

_PACKAGE = re.compile(r"(?P<group>[^/]+)/(?P<version>[1-9][0-9]{0,8})")


def package_name(name: str) -> tuple[str, int]:
    """Return group and version of `group/version`; raises UsageError if it is none."""
    found = _PACKAGE.fullmatch(name)
    if found is None:
        raise UsageError(f"package '{name}'", "it is no group/version", "for example default/1")
    return found["group"], int(found["version"])


def check_approval(name: str, rejection: str, *, reason: str, override: bool) -> None:
    """Refuse to approve a package that was rejected.

    Parameters
    ----------
    name : str
    rejection : str
        Who rejected it and why; empty if nobody did.
    reason : str
        Why it is approved.
    override : bool
        Whether it may be approved although it was rejected.

    Raises
    ------
    UsageError
        If an override has no reason.
    BadInput
        If it was rejected and there is no override.
    """
    if override and not reason.strip():
        raise UsageError("--override", "it needs a reason", "--reason 'why it is approved all the same'")
    if rejection and not override:
        do = "train a better model, or give --override and a --reason that stays in its history"
        raise BadInput(f"package {name}", rejection, do)


def check_rejection(reason: str) -> None:
    """Refuse a rejection without a reason; raises UsageError."""
    if not reason.strip():
        raise UsageError("--reason", "it is empty", "say why: it stays in the package's history")


def rejection(verdict: Verdict) -> str:
    """Return what the gate has against a model; empty if it passed."""
    if verdict.passed:
        return ""
    return f"the gate rejected it: {'; '.join(verdict.reasons)}. To do: {'; '.join(advice(verdict))}"


def say_verdict(metrics: Metrics) -> Iterator[str]:
    """Give what a person decides by, a line each: the data, every number with its limit, the verdict."""
    data, verdict = metrics.data, metrics.verdict
    rows = data.rows.get("train", 0)
    train = data.digests.get("train", "")[:12]
    past = f" after {data.rows['history']} of the past" if "history" in data.rows else ""
    yield f"data: {data.name}, {rows} training rows{past}, seed {metrics.seed}, sha256 {train}"
    clean = metrics.models[metrics.candidate].clean_accuracy
    yield f"candidate: {metrics.candidate}, {clean.successes} of {clean.total} test images right"
    for check in verdict.checks:
        rule = BY_KEY[check.key]
        mark = "ok    " if check.passed else "FAILED"
        why = f" ({check.why})" if check.why else ""
        yield f"  {mark} {rule.text}: {rule.say(check.value)}, at most {rule.say(check.limit)}{why}"
    yield "verdict: the gate passed it" if verdict.passed else "verdict: the gate rejected it"
