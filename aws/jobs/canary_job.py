"""The canary's job on AWS: `python -m aws.jobs.canary_job GROUP`, in a processing job without network
isolation.

It fetches the newest Approved package of the group with its canary records and probes into the job's own
inputs, runs the step on them (`processing.canary`, a process of its own), and publishes what the step left.
Which package that is cannot be known when the pipeline is written, so the job has no inputs but these.

Records and probes lie beside the `metrics.json` that the package was registered with, and are held against
the digests in it. The probes are images that carry the trigger already: Poison's secret stays a secret here.

Environment: SIGNING_KEY, where packages are signed: the KMS key that model, records and probes have to be
signed with. It is the account's key and not what the package says, so that nobody signs for himself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aws.client import Client
from aws.jobs.package import addresses, registered_metrics, said_of, signatures
from aws.jobs.publish import publish
from aws.jobs.sign import KEY
from boomerang.contract import CONFIG_FILE, ROOT_ENV, Job, run_step
from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.formats.evaluation import CANARIES
from boomerang.formats.model import ARCHIVE
from boomerang.formats.probes import PROBES
from boomerang.manifest import MANIFEST, read_manifest, verify_folder
from boomerang.metrics import METRICS_FILE
from boomerang.safeio import safe_join, write_json_atomic
from boomerang.signing import SIGNATURE, PublicKey, verify_signed
from boomerang.watching.briefing import CanarySettings, settings_of

MODEL, SIGNATURES = "model", "signatures"


def canary(job: Job, group: str, client: Client, key: PublicKey | None = None) -> None:
    """Run the job: see the module.

    With a key, nothing is opened that was not signed with it.

    Raises
    ------
    BadInput
        If no package is Approved.
    IntegrityError
        If the package and its metrics do not agree, something is not what was signed, or what the step
        left was changed.
    AwsError
        If AWS refuses a call; nothing, or not all with `CanaryRan`, is published then.
    """
    arn = next(client.packages(group, "Approved"), None)
    if arn is None:
        raise BadInput(f"package group {group}", "none of its packages is Approved", "approve one")
    prepare(job.root / "processing" / "input", group, arn, client, key)
    done = subprocess.run([sys.executable, "-m", "processing.canary"], env=_environment(job), check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the step has said why, where SageMaker looks for it
    publish(job.output("metrics"), client)


def _environment(job: Job) -> dict[str, str]:
    return {**os.environ, ROOT_ENV: str(job.root)}


def prepare(inputs: Path, group: str, arn: str, client: Client, key: PublicKey | None) -> None:
    """Fetch what the step reads: `config`, `model`, `canaries`, and `probes` if the package has any."""
    package = client.package(arn)
    model, numbers = addresses(package)
    metrics = registered_metrics(package, inputs / "registered" / METRICS_FILE, client)
    settings = settings_of(
        metrics, said_of(package).get("Model"), group=group, version=int(package["ModelPackageVersion"])
    )
    client.fetch(model, inputs / MODEL / ARCHIVE)
    beside = numbers.rpartition("/")[0]
    for name, digest in folders(settings).items():
        _fetch_folder(f"{beside}/{name}", inputs / name, digest, client)
    if key is not None:
        for name, uri in signatures(package, [MODEL, *folders(settings)]).items():
            client.fetch(f"{uri}/{SIGNATURE}", inputs / SIGNATURES / name / SIGNATURE)
    verify(inputs, settings, key)
    (inputs / "config").mkdir(parents=True, exist_ok=True)
    write_json_atomic(inputs / "config" / CONFIG_FILE, settings.model_dump(mode="json"))


def folders(settings: CanarySettings) -> dict[str, str]:
    """Return the digest of each folder that the step reads, by its place beside `metrics.json`."""
    probes = {f"{PROBES}/{name}": known.digest for name, known in settings.probes.items()}
    return {CANARIES: settings.canaries, **probes}


def verify(inputs: Path, settings: CanarySettings, key: PublicKey | None) -> None:
    """Hold all that was fetched against what was registered and signed: nothing is opened before.

    Raises
    ------
    IntegrityError
        If a file is not what its folder's manifest says, or what was signed. (The manifests have been held
        against their digests by then; the model's weights are by the step, which alone loads models.)
    """
    for name in folders(settings):
        verify_folder(inputs / name)
    if key is not None:
        for name in (MODEL, *folders(settings)):
            kind, signature = MODEL if name == MODEL else "dataset", inputs / SIGNATURES / name / SIGNATURE
            verify_signed(inputs / name, [key], kind=kind, signature=signature)


def _fetch_folder(uri: str, folder: Path, digest: str, client: Client) -> None:
    """Fetch a committed folder of that digest: its manifest says which files it has."""
    client.fetch(f"{uri}/{MANIFEST}", folder / MANIFEST)
    manifest = read_manifest(folder)
    if manifest.digest != digest:
        why = f"its digest is {manifest.digest}, the package's is {digest}"
        raise IntegrityError(f"{uri} is not what was registered", why, "reject the package")
    for name in manifest.files:
        client.fetch(f"{uri}/{name}", safe_join(folder, name))


def _group(arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise UsageError(
            "python -m aws.jobs.canary_job", "it takes one argument", "give the model package group"
        )
    return arguments[0]


def _key() -> PublicKey | None:
    """Return the public key that everything has to be signed with, if the environment names one."""
    if not os.environ.get(KEY):
        return None
    from aws.jobs.kms import KmsSigner

    return KmsSigner(os.environ[KEY]).public_key


if __name__ == "__main__":
    run_step(lambda job: canary(job, _group(sys.argv[1:]), Client(), _key()))
