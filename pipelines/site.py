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
    """

    bucket: str
    prefix: str
    role: str
    image: str
    region: str
    package_group: str

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
)
