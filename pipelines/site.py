"""Where a pipeline lives: the account's names that a definition holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """The places and names that a definition refers to.

    Attributes
    ----------
    bucket, prefix : str
        Everything that the pipeline reads and writes is below `s3://bucket/prefix`.
    role : str
        ARN of the role that the jobs run with.
    image : str
        The project's image by digest, so that a definition always means the same code.
    region : str
    package_group : str
        The model package group that candidates are registered in.
    kms_key : str
        ARN of the key that outputs, models and disks are encrypted with.
    subnets, security_groups : tuple of str
        Of the VPC that the jobs run in. Without any they run in SageMaker's own; no job has a network
        to the outside either way.
    """

    bucket: str
    prefix: str
    role: str
    image: str
    region: str
    package_group: str
    kms_key: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self.prefix}"


# No account has this number: a definition for this machine can never be mistaken for a real one.
_NO_ACCOUNT = "000000000000"

LOCAL = Site(
    bucket="boomerang-local",
    prefix="boomerang",
    role=f"arn:aws:iam::{_NO_ACCOUNT}:role/boomerang-local",
    image=f"{_NO_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/boomerang@sha256:{'0' * 64}",
    region="us-east-1",
    package_group="boomerang",
    kms_key=f"arn:aws:kms:us-east-1:{_NO_ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
)
