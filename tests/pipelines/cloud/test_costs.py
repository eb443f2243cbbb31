"""The bound of a run and of a month: counted by hand where it can be, and refused where it must be."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from helpers.definitions import config, step
from hypothesis import given
from hypothesis import strategies as st

from aws.check.schedule import read_schedule
from aws.prices import Month, Prices
from boomerang.errors import BadInput, ConfigError
from pipelines.cloud.costs import AS_ON_AWS, Bound, Costs, Fixed, bounds, check_limit, costs, hours
from pipelines.definition.build import build, build_canary

M5, GPU = ("Processing", "ml.m5.xlarge"), ("Training", "ml.g4dn.xlarge")
PRICES = Prices(
    "a table",
    {M5: 0.25, GPU: 0.75},
    Month(kms_key=1.0, alarm=0.1, composite_alarm=0.5, dashboard=3.0),
)


@cache
def definition(**jobs: Any) -> dict[str, Any]:
    """Return a definition, drawn once: it takes seconds."""
    return build(config(jobs=jobs), AS_ON_AWS).definition


@cache
def canary() -> dict[str, Any]:
    """Return the definition of the canary's pipeline."""
    return build_canary(AS_ON_AWS)


def of(run: dict[str, Any], **parameters: str) -> Costs:
    return costs(run, canary(), runs=4, parameters=parameters)


@pytest.fixture(scope="module")
def plain() -> Costs:
    """Half an hour at most for each job, two machines that train, on spot."""
    return of(definition(timeout_s=1800, training_count=2))


def test_each_job_is_bound_by_machines_and_time_limit(plain: Costs) -> None:
    found = {bound.step: bound for bound in plain.run}
    assert found["Preprocess"] == Bound("Preprocess", *M5, count=1, limit_s=1800)
    assert found["TrainVictim"] == Bound("TrainVictim", *GPU, count=2, limit_s=1800, spot=True)
    assert found["TrainVictim"].hours == 1.0
    assert "Gate" not in found and "Register" not in found


def test_a_run_is_counted_as_on_aws_with_the_jobs_that_sign(plain: Costs) -> None:
    kinds = [bound.kind for bound in plain.run]
    assert {"SignPreprocess", "SignPoison", "SignScreen", "SignCandidate"} <= {b.step for b in plain.run}
    assert hours(plain.run) == 0.5 * kinds.count("Processing") + 1.0 * kinds.count("Training")


def test_the_parts_of_a_step_on_several_machines_are_all_counted() -> None:
    one, three = (hours(bounds(definition(processing_count=count))) for count in (1, 3))
    assert three > one + 3


def test_machines_that_are_kept_warm_are_paid_for() -> None:
    run = copy.deepcopy(definition())
    # As SageMaker's KeepAlivePeriodInSeconds, which `jobs.warm_s` becomes.
    step(run, "TrainVictim")["Arguments"]["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 1800
    hours_of = {bound.step: bound.hours for bound in bounds(run)}
    assert (hours_of["TrainBaseline"], hours_of["TrainVictim"]) == (1.0, 1.5)


def test_without_prices_there_are_hours_and_no_dollars(plain: Costs) -> None:
    assert hours(plain.run) > 0
    assert (plain.run_usd, plain.month_usd) == (None, None)


def test_a_run_and_a_month_add_up(plain: Costs) -> None:
    priced = plain.priced(PRICES)
    by_hand = sum(b.hours * (0.25 if b.kind == "Processing" else 0.75) for b in plain.run)
    assert priced.run_usd == pytest.approx(by_hand)
    # 31 canaries of at most an hour, two keys, seven alarms, one composite, one dashboard.
    assert hours(priced.canary) == 1.0
    fixed = 2 * 1.0 + 7 * 0.1 + 0.5 + 3.0
    assert priced.month_usd == pytest.approx(4 * by_hand + 31 * 0.25 + fixed)


@pytest.mark.parametrize("key", ["kms_key", "alarm", "composite_alarm", "dashboard"])
def test_where_one_price_is_not_known_the_sum_is_not_either(plain: Costs, key: str) -> None:
    month = PRICES.month.model_copy(update={key: None})
    found = plain.priced(replace(PRICES, month=month))
    assert found.run_usd is not None and found.month_usd is None
    assert plain.priced(replace(PRICES, hourly={M5: 0.25})).run_usd is None


def test_the_stack_is_counted_without_a_network_that_nobody_gave(plain: Costs) -> None:
    assert plain.resources["AWS::KMS::Key"] == 2
    assert plain.resources["AWS::SageMaker::Pipeline"] == 2
    assert "AWS::SNS::Subscription" not in plain.resources
    vpc = {"VpcId": "vpc-1", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}
    more = of(definition(), NotificationEmail="me@example.com", **vpc).resources
    assert more["AWS::SNS::Subscription"] == 1
    assert more["AWS::IAM::ManagedPolicy"] == plain.resources["AWS::IAM::ManagedPolicy"] + 2


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        ("rate(1 day)", 31),
        ("rate(12 hours)", 62),
        ("rate(7 hours)", 107),
        ("cron(0 6 * * ? *)", 31),
        ("cron(0,30 6 ? * MON-FRI *)", 46),
        ("cron(0 6 1 * ? *)", 2),  # 31 days that begin on the 1st of February hold two
    ],
)
def test_a_month_has_at_most_so_many_canaries(schedule: str, times: int) -> None:
    assert read_schedule(schedule).most_runs(31) == times
    assert of(definition(), CanarySchedule=schedule).canaries == times


def test_a_schedule_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(BadInput, match="does not go with 1"):
        of(definition(), CanarySchedule="rate(1 days)")


def test_a_job_without_a_limit_has_no_bound() -> None:
    run = copy.deepcopy(definition())
    step(run, "Screen")["Arguments"].pop("StoppingCondition")
    with pytest.raises(ConfigError, match="step Screen: it has no MaxRuntimeInSeconds"):
        bounds(run)


# ---- --max-usd


def test_a_run_within_the_limit_is_taken(plain: Costs) -> None:
    priced = plain.priced(PRICES)
    assert priced.run_usd is not None
    check_limit(priced, priced.run_usd)
    with pytest.raises(ConfigError) as refused:
        check_limit(priced, priced.run_usd - 0.01)
    assert refused.value.exit_code == 2


def test_what_costs_most_is_named(plain: Costs) -> None:
    with pytest.raises(ConfigError, match=r"TrainBaseline most: 2 x ml\.g4dn\.xlarge for 0\.5 h, 0\.75 USD"):
        check_limit(plain.priced(PRICES), 0.1)


def test_a_price_that_is_needed_and_not_known_is_refused(plain: Costs) -> None:
    for prices in (Prices(), replace(PRICES, hourly={M5: 0.25})):
        with pytest.raises(ConfigError, match=r"the price of ml\.g4dn\.xlarge.* is not known"):
            check_limit(plain.priced(prices), 1_000_000)


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 99_999), st.floats(0.01, 99)), min_size=1, max_size=9
    ),
    st.floats(0, 1000),
)
def test_a_run_is_refused_exactly_if_its_bound_is_beyond_the_limit(
    jobs: list[tuple[int, int, float]], most: float
) -> None:
    run = tuple(
        Bound(f"Step{number}", *M5, count, limit_s, usd_per_hour=usd)
        for number, (count, limit_s, usd) in enumerate(jobs)
    )
    found = Costs({}, run, (), 1, 0, "rate(1 day)", (Fixed("alarm", 1),))
    assert found.run_usd == pytest.approx(sum(count * limit_s / 3600 * usd for count, limit_s, usd in jobs))
    refused = False
    try:
        check_limit(found, most)
    except ConfigError:
        refused = True
    assert refused is (found.run_usd is not None and found.run_usd > most)
