"""Where a pipeline lives: the account's names that a definition holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Roles:
    """The ARN of the role of each kind of job.

    Only `evaluate` may read what Poison keeps secret, only `signing` may sign, only `canary` may publish
    metrics; `processing` is of the other processing jobs, `training` of all that train. `takeover` is of a
    training that the attacker runs: it reads what Poison keeps secret, so a deployed range has no such role.
    `control` is of a control filter: on this machine it is Evaluate's. In a deployed range that one writes
    nothing but the evaluation, so there is none.
    """

    processing: str
    training: str
    evaluate: str
    signing: str
    canary: str
    takeover: str | None = None
    control: str | None = None


@dataclass(frozen=True)
class Signing:
    """The key that what the steps make is signed with.

    Attributes
    ----------
    key : str
        ARN of the KMS key, or `LOCAL_KEY`: then the runner on this machine gives the jobs that sign a
        key file, and no definition says where it is.
    public_key : str
        Its public half, as the base64 of the DER of its SubjectPublicKeyInfo.
    """

    key: str
    public_key: str


LOCAL_KEY = "local"


@dataclass(frozen=True)
class Site:
    """The places and names that a definition refers to.

    Attributes
    ----------
    bucket, prefix : str
        Everything that the pipeline reads and writes is below `s3://bucket/prefix`. On AWS the prefix is
        the project's name, which the roles' policies are written for.
    roles : Roles
    image : str
        The project's image by digest, so that a definition always means the same code.
    region : str
    package_group : str
        The model package group that candidates are registered in.
    kms_key : str
        ARN of the key that outputs, models and disks are encrypted with.
    subnets, security_groups : tuple of str
        Of the VPC that the jobs run in. Without any they run in SageMaker's own; no job of the campaign
        has a network to the outside either way.
    signing : Signing or None
        With it, what a training job reads and the candidate are signed, and verified before they are read.
    """

    bucket: str
    prefix: str
    roles: Roles
    image: str
    region: str
    package_group: str
    kms_key: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    signing: Signing | None = None

    @property
    def root(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self.prefix}"


def site_of(
    outputs: Mapping[str, str],
    *,
    project: str,
    image: str,
    region: str,
    subnets: tuple[str, ...] = (),
    security_groups: tuple[str, ...] = (),
    public_key: str,
) -> Site:
    """Return the site that a stack of `aws/stack/template.yaml` is.

    Parameters
    ----------
    outputs : mapping
        The stack's outputs.
    project : str
        Its `ProjectName`.
    image : str
        `REPOSITORY@sha256:...`.
    region : str
    subnets, security_groups : tuple of str
        As the stack's parameters have them.
    public_key : str
        Of the signing key: base64 of its DER.
    """
    kinds = ("processing", "training", "evaluate", "signing", "canary")
    return Site(
        bucket=outputs["DataBucketName"],
        prefix=project,
        roles=Roles(**{kind: outputs[f"{kind.title()}RoleArn"] for kind in kinds}),
        image=image,
        region=region,
        package_group=outputs["PackageGroupName"],
        kms_key=outputs["DataKeyArn"],
        subnets=subnets,
        security_groups=security_groups,
        signing=Signing(outputs["SigningKeyArn"], public_key),
    )


# No account has this number: a definition for this machine can never be mistaken for a real one.
_NO_ACCOUNT = "000000000000"

_LOCAL_ROLES = {
    kind: f"arn:aws:iam::{_NO_ACCOUNT}:role/boomerang-local-{kind}"
    for kind in ("processing", "training", "evaluate", "signing", "canary", "takeover")
}

LOCAL = Site(
    bucket="boomerang-local",
    prefix="boomerang",
    roles=Roles(**_LOCAL_ROLES, control=_LOCAL_ROLES["evaluate"]),
    image=f"{_NO_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/boomerang@sha256:{'0' * 64}",
    region="us-east-1",
    package_group="boomerang",
    kms_key=f"arn:aws:kms:us-east-1:{_NO_ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
)


def local_site(entry: str, group: str | None = None) -> Site:
    """Return this machine for a campaign entry, whose name its package group has unless one is given.

    Models of other data are no versions of each other. In an account a range has one group, which is a
    parameter of its stack.
    """
    return replace(LOCAL, package_group=group or entry.rstrip("-"))


# The same with all that a definition has in an account, for looking at one without an account.
REHEARSAL = replace(LOCAL, signing=Signing(key=LOCAL.kms_key, public_key=""))
