"""Roles both ways: every kept call is allowed by its role, and no role grants what nobody needs.

A call is allowed by the statements of its role and by the policies of keys that name the role. What is
granted has to be needed by a kept call, by AWS itself (`aws.stack.policy.SERVICE_NEEDS`), or by a person
with a console in hand (`BY_HAND`). A wildcard stands only where the service knows nothing narrower (`OPEN`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aws.check.calls import Kept, kept_calls
from aws.check.stacks import of_type
from aws.stack.intrinsics import Stack
from aws.stack.policy import SERVICE_NEEDS, Statement, allows, granted_actions, read_statement, statements
from boomerang.errors import BadInput
from boomerang.findings import Outcome, Problem

# What a person does with the role by other means than this project's code.
BY_HAND: Mapping[str, Mapping[str, str]] = {
    "ApproverPolicy": {
        "kms:Decrypt": "S3 User Guide, SSE-KMS: asked of who reads",
        "kms:GetPublicKey": "fetches the key once, to verify signatures offline",
    },
}

# Actions that IAM lets no policy narrow to a resource. Source: Service Authorization Reference, the
# actions without a resource type.
OPEN = {
    "ecr:GetAuthorizationToken": "takes no resource",
    "cloudwatch:PutMetricData": "takes no resource; the namespace is a condition",
    "cloudwatch:DescribeAlarms": "composite alarms are shown only to who may see all alarms",
    "ec2:DescribeDhcpOptions": "EC2's Describe actions take no resource",
    "ec2:DescribeNetworkInterfaces": "the same",
    "ec2:DescribeSecurityGroups": "the same",
    "ec2:DescribeSubnets": "the same",
    "ec2:DescribeVpcs": "the same",
}

Calls = Mapping[str, Mapping[str, tuple[Kept, ...]]]


def check_roles(stack: Stack, calls: Calls | None = None) -> Outcome:
    """Hold every role and policy of the stack to the calls that are made with it."""
    calls = kept_calls() if calls is None else calls
    roles = [*of_type(stack, "AWS::IAM::Role"), *_policies_of_people(stack)]
    found = [
        Problem(role, "", "there is no such role, and calls are made with it")
        for role in calls
        if role not in roles
    ]
    for role in roles:
        found += _of_role(stack, role, calls)
    for name in (*of_type(stack, "AWS::IAM::Role"), *of_type(stack, "AWS::IAM::ManagedPolicy")):
        found += _of_wildcards(name, _own(stack, name))
    count = sum(len(made) for callers in calls.values() for made in callers.values())
    said = f"roles: {len(roles)}, {count} kept calls are allowed, nothing is granted that nobody needs"
    return Outcome(said, tuple(found))


def _policies_of_people(stack: Stack) -> list[str]:
    """Return the policies that are for somebody outside of the template too."""
    return [name for name in of_type(stack, "AWS::IAM::ManagedPolicy") if name in BY_HAND]


def _of_role(stack: Stack, role: str, calls: Calls) -> Iterator[Problem]:
    people = _by_hand(stack, role)
    made = [
        (caller, call)
        for name in dict.fromkeys((role, *people))
        for caller, of_caller in calls.get(name, {}).items()
        for call in of_caller
    ]
    granted = (*statements(stack, role), *_key_statements(stack, role))
    needed = {action for _, call in made for action in call.actions}
    needed |= {action for name in people for action in BY_HAND[name]}
    try:
        for caller, call in made:
            yield from _refused(stack, role, granted, caller, call)
    except BadInput as error:
        yield Problem(role, "Policies", f"{error.what}: {error.why}")
    yield from _unneeded(role, granted, needed)


def _refused(
    stack: Stack, role: str, granted: Sequence[Statement], caller: str, call: Kept
) -> Iterator[Problem]:
    resource = str(stack.resolve({"Fn::Sub": call.resource}))
    context = {**_facts(stack, resource), **dict(call.context)}
    for action in call.actions:
        if not allows(granted, action, resource, context):
            with_ = "".join(f", {key} {value}" for key, value in call.context)
            yield Problem(
                role, "Policies", f"{action} on {resource}{with_} is not allowed, and {caller} calls it"
            )


def _facts(stack: Stack, resource: str) -> dict[str, list[str]]:
    """Return the condition keys that a resource brings along: the aliases of a key."""
    aliases = [
        str(alias["AliasName"])
        for alias in of_type(stack, "AWS::KMS::Alias").values()
        if resource == stack.resolve({"Fn::Sub": str(alias["TargetKeyId"]).replace("}", ".Arn}")})
    ]
    return {"kms:ResourceAliases": aliases} if aliases else {}


def _key_statements(stack: Stack, role: str) -> Iterator[Statement]:
    """Yield the statements of key policies that name a role; a key policy's `*` is the key itself."""
    for name, key in of_type(stack, "AWS::KMS::Key").items():
        arn = str(stack.resolve({"Fn::GetAtt": [name, "Arn"]}))
        for each in key["KeyPolicy"]["Statement"]:
            if f"${{{role}.Arn}}" in str(each.get("Principal")):
                yield read_statement({**each, "Resource": arn})


def _by_hand(stack: Stack, role: str) -> list[str]:
    """Return which people's policies a role is, or has attached."""
    attached = of_type(stack, "AWS::IAM::Role").get(role, {}).get("ManagedPolicyArns", ())
    return [name for name in BY_HAND if name == role or f"${{{name}}}" in attached]


def _unneeded(role: str, granted: Sequence[Statement], needed: set[str]) -> Iterator[Problem]:
    services = SERVICE_NEEDS.get(role, {})
    for action in sorted(granted_actions(granted) - needed - services.keys()):
        sids = ", ".join(each.sid for each in granted if each.allows and action in each.actions)
        yield Problem(role, f"Policies['{sids}'].Action", f"no call and no service needs {action}")
    for action in sorted(services.keys() - granted_actions(granted)):
        yield Problem(role, "Policies", f"{action} is not granted: {services[action]}")


def _own(stack: Stack, name: str) -> list[Statement]:
    properties = stack.resources[name]["Properties"]
    documents = [each["PolicyDocument"] for each in properties.get("Policies", ())]
    documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    return [read_statement(each) for document in documents for each in document["Statement"]]


def _of_wildcards(name: str, own: list[Statement]) -> Iterator[Problem]:
    for each in own:
        if not each.allows:
            continue
        for action in each.actions:
            if "*" in action:
                yield Problem(
                    name, f"Policies['{each.sid}'].Action", f"{action} is a wildcard; name the actions"
                )
            elif "*" in each.resources and action not in OPEN:
                what = f"'*' for {action}; the service knows its resources"
                yield Problem(name, f"Policies['{each.sid}'].Resource", what)
