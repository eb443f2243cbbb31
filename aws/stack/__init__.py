"""The CloudFormation stack: `template.yaml`, and `deployer.json`, what the person who deploys it may do.

`endpoint.yaml` is an example of another, for who serves an approved model.

intrinsics  the template read, and resolved as CloudFormation would
parameters  held against the template before an account is asked
policy      may role R call action A on resource X?
changes     change sets: made, shown, executed
live        the stack as it is: looked at, waited for, deleted
"""
