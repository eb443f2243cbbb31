"""`deploy`: the range into an account, step by step; each step is skipped where its result is there.

    first go      the stack without what lies in its own bucket        (aws.stack.changes)
    image         to the stack's repository                            (aws.image.ecr)
    uploads       staged inputs, definitions, the function's code      (aws.upload)
    second go     pipelines, timer and function, by the uploads' keys  (aws.stack.changes)
    dashboard     which no template can hold                           (aws.dashboard)

Every name is made from content, and the stack keeps what is not given anew. So a deploy that was interrupted
is repeated, and one that is repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws.account import Account
from aws.image.ecr import check_pushed, push
from aws.image.image import Image
from aws.stack.changes import ChangeSet, execute, prepare
from aws.stack.live import Deployed, Say, settled
from aws.stack.parameters import check_together
from aws.upload import Place, named, reject_code
from boomerang.digest import canonical_json
from boomerang.errors import ConfigError, UsageError
from pipelines.campaign.sections import Config
from pipelines.campaign.site import REHEARSAL, Site
from pipelines.check import check_definition
from pipelines.cloud.board import put_dashboard
from pipelines.cloud.deployed import Range, effective
from pipelines.definition.build import build, build_canary

Agree = Callable[[ChangeSet], bool]


@dataclass(frozen=True)
class Request:
    """What is to be deployed.

    Attributes
    ----------
    config : Config
    project : str
        Name of the stack, prefix of all names.
    template : mapping
        From `aws.stack.intrinsics.load_template`.
    parameters : mapping of str to str
        As given, from `aws.stack.parameters.read_parameters`.
    image : Image or str
        A local image, or the address of one in the repository, `REPOSITORY@sha256:...`.
    role : str or None
        ARN of the role that CloudFormation acts with.
    cache : Path or None
        The folder of kept definitions.
    """

    config: Config
    project: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    image: Image | str
    role: str | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """A deployed range, and what had to be changed for it: empty if it was there as it should be."""

    range: Range
    changed: tuple[str, ...]


def rehearse(request: Request) -> None:
    """See all that can be seen without an account: the parameters together, both definitions.

    Raises
    ------
    ConfigError
        Listing the mistakes.
    """
    check_together(effective(request.template, None, request.parameters))
    for definition in _definitions(request, REHEARSAL):
        check(definition)


def deploy(request: Request, account: Account, *, say: Say, agree: Agree) -> Outcome:
    """Bring the range into the account and return what it is then.

    Parameters
    ----------
    request : Request
    account : Account
    say : callable
        Is told what goes on.
    agree : callable
        Is shown each change set, and says whether it is to be executed.

    Raises
    ------
    AwsError
        If AWS refuses. What was done stays, and is not done again.
    UsageError
        If the person does not agree.
    """
    return _Deploy(request, account, say, agree).run()


@dataclass
class _Deploy:
    """One deploy on its way."""

    request: Request
    account: Account
    say: Say
    agree: Agree
    changed: list[str] = field(default_factory=list)

    def run(self) -> Outcome:
        range_ = self._change(self._first_parameters())
        site = range_.site(self._image(range_.stack.outputs["RepositoryUri"]))
        range_ = self._change(self._upload(site))
        self.changed += ["the dashboard"] if put_dashboard(range_, self.say) else []
        return Outcome(range_, tuple(self.changed))

    # ---- the stack

    def _first_parameters(self) -> dict[str, str]:
        """Return what was given; and that the package group stays, where an earlier stack left one behind."""
        given = dict(self.request.parameters)
        stack = settled(self.account, self.request.project, self.say)
        if "CreatePackageGroup" not in given and (stack is None or not stack.is_made):
            wanted = effective(self.request.template, None, given)
            group = str(wanted.resolve({"Ref": "PackageGroup"}))
            if self.account.has_package_group(group):
                self.say(f"the model package group {group} is there already, and is used as it is")
                given["CreatePackageGroup"] = "false"
        return given

    def _change(self, parameters: Mapping[str, str]) -> Range:
        """Bring the stack to these parameters."""
        request = self.request
        range_, count = change_stack(
            *(self.account, request.project, parameters, request.template),
            role=request.role,
            say=self.say,
            agree=self.agree,
        )
        self.changed += [f"the stack ({count} resources)"] if count else []
        return range_

    # ---- what lies in it

    def _image(self, repository: str) -> str:
        """Return the image's address in the repository, pushed if it was not there."""
        if isinstance(self.request.image, str):
            return check_pushed(self.account, repository, self.request.image)
        uri, pushed = push(self.account, repository, self.request.image)
        self.changed += ["the image"] if pushed else []
        self.say(f"image {uri}" + ("" if pushed else ": there already"))
        return uri

    def _upload(self, site: Site) -> dict[str, str]:
        """Upload what the second go names, and return its parameters."""
        staged, keys = _contents(self.request, site)
        done = Place(self.account, site.bucket, site.kms_key).upload(staged)
        self.changed += [f"{done.put} objects"] if done.put else []
        self.say(f"objects: {done.put} uploaded, {done.kept} there already")
        return keys


def change_stack(
    account: Account,
    project: str,
    parameters: Mapping[str, str],
    template: Mapping[str, Any],
    *,
    role: str | None = None,
    say: Say,
    agree: Agree,
) -> tuple[Range, int]:
    """Bring a stack to these parameters, the others as they are; return it and how many resources changed.

    Raises
    ------
    AwsError
        If AWS refuses.
    UsageError
        If the person does not agree.
    """
    stack = settled(account, project, say)
    check_together(effective(template, stack, parameters))
    changes = prepare(account, project, stack, parameters, template, role=role)
    if changes is None:
        assert stack is not None  # a stack that is not there yet always changes
        say(f"stack {stack.name}: as it should be")
        return Range(account, stack, template), 0
    if not agree(changes):
        _forget(account, changes, stack)
        raise UsageError("deploy", "you did not agree, so nothing was changed", "deploy again")
    return Range(account, execute(account, changes, say), template), len(changes.changes)


def _forget(account: Account, changes: ChangeSet, stack: Deployed | None) -> None:
    """Delete a change set, and the empty stack that was there for nothing but the first one."""
    account.delete_change_set(changes.arn)
    if stack is None or not stack.is_made:
        account.delete_stack(changes.stack)


def _definitions(request: Request, site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    return build(request.config, site, cache=request.cache).definition, build_canary(
        site, request.config.jobs
    )


def _contents(request: Request, site: Site) -> tuple[dict[str, Path | bytes], dict[str, str]]:
    """Return everything that belongs into the bucket, by address, and the stack's parameters that name it."""
    built = build(request.config, site, cache=request.cache)
    canary = build_canary(site, request.config.jobs)
    for definition in (built.definition, canary):
        check(definition)
    pipeline, watch, code = canonical_json(built.definition), canonical_json(canary), reject_code()
    keys = {
        "DefinitionS3Key": named(f"{site.prefix}/definitions/", pipeline, ".json"),
        "CanaryDefinitionS3Key": named(f"{site.prefix}/definitions/canary-", watch, ".json"),
        "RejectCodeS3Key": named(f"{site.prefix}/code/reject-", code, ".zip"),
    }
    files = zip(keys.values(), (pipeline, watch, code), strict=True)
    return {**built.staged, **{f"s3://{site.bucket}/{key}": content for key, content in files}}, keys


def check(definition: Mapping[str, Any]) -> None:
    """Refuse a definition that has mistakes, with a ConfigError that lists them."""
    if problems := check_definition(definition):
        why = "\n  ".join(map(str, problems))
        raise ConfigError("the definition has mistakes", why, "docs/check.md says what each check asks for")
