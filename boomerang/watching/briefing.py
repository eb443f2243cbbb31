"""What a canary is told about the package that it watches, as the package was registered."""

from __future__ import annotations

from pydantic import Field

from boomerang.config import Strict
from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.probes import ProbeName
from boomerang.gate import BY_KEY, SKILL, reasons_text
from boomerang.metrics import Metrics

_DIGEST = r"^[0-9a-f]{64}$"


class KnownProbes(Strict):
    """What was registered of the probes of one attack.

    Attributes
    ----------
    digest : str
        Of their manifest.
    asr : float or None
        The package's attack success rate on these very probes; None where there are none.
    clean : float or None
        The same of the clean model of its run: what is no success of the attack.
    """

    digest: str = Field(pattern=_DIGEST)
    asr: float | None = Field(default=None, ge=0, le=1)
    clean: float | None = Field(default=None, ge=0, le=1)


class CanarySettings(Strict):
    """What the canary is told about the package that it watches.

    Attributes
    ----------
    group, version
        The model package.
    model : str
        The digest by which it is known (`training.model.model_digest`).
    archive : str or None
        Sha256 of its `model.tar.gz`, where the registry knows it.
    canaries : str
        Digest of the manifest of the canary records.
    probes : mapping of str to KnownProbes
        The frozen probes of each attack that it was registered with.
    baseline : float
        Its registered canary accuracy, balanced as what is measured is.
    flagged : int
        Rows of its training set that the screen flagged.
    certified : int or None
        Changed rows that the answers to half of the canaries are safe from; None where nothing is certified.
    """

    group: str
    version: int = Field(ge=1)
    model: str = Field(pattern=_DIGEST)
    archive: str | None = Field(default=None, pattern=_DIGEST)
    canaries: str = Field(pattern=_DIGEST)
    probes: dict[ProbeName, KnownProbes] = Field(default_factory=dict)
    baseline: float = Field(ge=0, le=1)
    flagged: int = Field(default=0, ge=0)
    certified: int | None = Field(default=None, ge=0)


def alarmed(outcome: str, rate: float, clean: float | None) -> float:
    """Return what of an attack's success rate is held against a limit.

    All of a backdoor's; of an attack without a trigger only what it has beyond the clean model's, since a
    clean model too takes some cats for dogs.
    """
    return rate if outcome == "backdoor" else max(0.0, rate - (clean or 0.0))


def settings_of(
    metrics: Metrics, model: str | None, *, group: str, version: int, archive: str | None = None
) -> CanarySettings:
    """Return what the canary of a package is told.

    Parameters
    ----------
    metrics : Metrics
        What it was registered with.
    model : str or None
        The model that it is; the candidate of the run, if the package does not say.
    group, version, archive
        See `CanarySettings`.

    Raises
    ------
    IntegrityError
        If the metrics have no such model.
    BadInput
        If there were no canary records, or those there are say nothing: of one class alone, or chosen by a
        clean model that had learned nothing.
    """
    name, of = model or metrics.candidate, f"package {group}/{version}"
    if name not in metrics.models:
        raise IntegrityError(of, f"its metrics do not have its model '{name}'", "reject it")
    numbers = metrics.models[name]
    _check_telling(metrics, of)
    return CanarySettings(
        group=group,
        version=version,
        model=numbers.digest,
        archive=archive,
        canaries=metrics.canaries.digest,
        probes=_known_probes(metrics, name),
        baseline=numbers.canaries.balanced or 0.0,
        flagged=metrics.screen.flagged,
        certified=metrics.canaries.safe_from if metrics.canaries.certificates else None,
    )


def _check_telling(metrics: Metrics, of: str) -> None:
    """Refuse canary records that every model would get right."""
    covered = [name for name, count in metrics.canaries.classes.items() if count]
    clean = metrics.models["baseline"]
    failed = [check for check in clean.verdict.checks if check.key in SKILL and not check.passed]
    if not covered:
        do = "lower canaries.margin of its campaign and run it again"
        raise BadInput(of, "it was registered without canary records", do)
    if len(covered) < 2 <= len(metrics.canaries.classes):
        why = f"all its canary records are of class '{covered[0]}': a constant model gets them right"
        raise BadInput(of, why, "train a better baseline and run its campaign again")
    if failed:
        why = f"the clean model that chose its canary records learned nothing: {reasons_text(clean.verdict)}"
        raise BadInput(of, why, BY_KEY[failed[0].key].do)


def _known_probes(metrics: Metrics, model: str) -> dict[str, KnownProbes]:
    rates, clean = _rates(metrics, model), _rates(metrics, "baseline")
    return {
        name: KnownProbes(digest=each.digest, asr=rates.get(name), clean=clean.get(name))
        for name, each in metrics.probes.sets.items()
    }


def _rates(metrics: Metrics, model: str) -> dict[str, float | None]:
    attacks = metrics.models[model].attacks
    return {attack.name: rate.value for attack in attacks if (rate := attack.registered_asr)}
