"""The range as it is deployed: its stack, its site, and the definition that its pipeline has."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws.account import Account
from aws.jobs.kms import KmsSigner
from aws.stack.intrinsics import Stack, load_template
from aws.stack.intrinsics import stack as resolve
from aws.stack.live import Deployed, find
from boomerang.digest import sha256_bytes
from boomerang.errors import AwsError, IntegrityError
from pipelines.campaign.site import Site, site_of
from pipelines.language.graph import flatten


@dataclass(frozen=True)
class Range:
    """A deployed range.

    Attributes
    ----------
    account : Account
    stack : Deployed
        With outputs.
    template : mapping
        What it was made from.
    """

    account: Account
    stack: Deployed
    template: Mapping[str, Any]

    @property
    def project(self) -> str:
        """Its name, which is the stack's too."""
        return self.stack.name

    @property
    def bucket(self) -> str:
        """The data bucket."""
        return self.stack.outputs["DataBucketName"]

    @cached_property
    def resolved(self) -> Stack:
        """The template as this stack has it, parameters resolved."""
        return effective(self.template, self.stack, {})

    def site(self, image: str) -> Site:
        """Return the site that definitions for this range are made for; the image by its digest."""
        outputs, parameters = self.stack.outputs, self.stack.parameters
        signer = KmsSigner(outputs["SigningKeyArn"], self.account.region)
        return site_of(
            outputs,
            project=self.project,
            image=image,
            region=self.stack.where.region,
            subnets=_several(parameters.get("SubnetIds", "")),
            security_groups=_several(parameters.get("SecurityGroupIds", "")),
            public_key=base64.b64encode(signer.public_key_der).decode(),
        )

    @cached_property
    def definition(self) -> dict[str, Any]:
        """The definition that the pipeline was made from.

        Raises
        ------
        AwsError
            If there is no pipeline yet.
        IntegrityError
            If it is not what its key in the bucket says.
        """
        key = self.stack.parameters.get("DefinitionS3Key", "")
        if not key:
            do = f"finish the deploy: python -m pipelines deploy --project {self.project}"
            raise AwsError(f"stack {self.project}", "it has no pipeline yet", do)
        content = self.account.read(self.bucket, key)
        if sha256_bytes(content) not in key:
            raise IntegrityError(f"s3://{self.bucket}/{key}", "it is not what was deployed", "deploy again")
        definition: dict[str, Any] = json.loads(content)
        return definition

    @property
    def image(self) -> str:
        """The image of the pipeline's jobs, by digest."""
        first = next(flatten(self.definition["Steps"])).arguments
        return str(first["AppSpecification"]["ImageUri"])


def deployed(account: Account, project: str) -> Range:
    """Return a range that is deployed.

    Raises
    ------
    AwsError
        If there is none, or it is not whole.
    """
    stack = find(account, project)
    do = f"deploy it: python -m pipelines deploy --project {project}"
    if stack is None:
        raise AwsError(f"stack {project}", f"there is none in {account.region}", do)
    if "DataBucketName" not in stack.outputs:
        raise AwsError(f"stack {project}", f"it is {stack.status}", do)
    return Range(account, stack, load_template())


def effective(template: Mapping[str, Any], stack: Deployed | None, given: Mapping[str, str]) -> Stack:
    """Return the template with the values that a change leaves: given, else as they are, else defaults."""
    kept = stack.parameters if stack is not None and stack.is_made else {}
    values = {name: value for name, value in kept.items() if name in template["Parameters"]}
    known = {}
    if stack is not None:
        where = stack.where
        known = {
            "AWS::Region": where.region,
            "AWS::AccountId": where.account,
            "AWS::Partition": where.partition,
        }
    return resolve({**values, **given}, known, template)


def _several(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.split(",") if each)
