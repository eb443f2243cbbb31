"""A definition held against all that can be known of it without an account, a network or a key.

SageMaker takes almost any definition and checks the arguments of a step when the step starts, which may
be an hour into a run. Here every check looks at the whole definition first, and names step and field.

    language     keys, types and names of the definition language; no step waits for itself
    references   every Get and JsonGet names something that is there, of the kind that is needed
    parameters   types, defaults, allowed values
    requests     each step's arguments as the request they become, against botocore's shapes
    limits       what the service documents beside its shapes
    rules        what this project asks of its own jobs

`checks` runs them all; `docs/check.md` says what only AWS can answer.
"""

from boomerang.findings import Outcome, Problem
from pipelines.check.checks import check_definition, checks

__all__ = ["Outcome", "Problem", "check_definition", "checks"]
