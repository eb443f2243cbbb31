"""A definition held against all that can be known of it without an account, a network or a key.

SageMaker takes almost any definition and checks the arguments of a step when the step starts, which may
be an hour into a run. Here every check looks at the whole definition first, and names step and field.

    checks               all of them, in their order
    language             keys, types and names of the definition language; no step waits for itself
    loops                names of what runs once for each item
    cross_references     every Get and JsonGet names something that is there, of the kind that is needed
    metrics_file         what a JsonGet finds in `metrics.json`
    pipeline_parameters  types, defaults, allowed values
    registrations        nothing is registered past the gate
    requests             each step's arguments as the request they become, against botocore's shapes
    service              those shapes
    limits               what the service documents beside its shapes
    cache_keys           what SageMaker's step caching goes by
    lineage_step         entities and associations as the requests that they become
    package_card         the card against the schema that SageMaker publishes
    rules                what this project asks of its own jobs
    view, arguments      a definition and a step's arguments as the checks read them
    problems             how they name a place

`docs/check.md` says what only AWS can answer.
"""

from boomerang.findings import Outcome, Problem
from pipelines.check.checks import check_definition, checks

__all__ = ["Outcome", "Problem", "check_definition", "checks"]
