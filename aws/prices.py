"""What machines cost: from the AWS Price List API, or from a table that the user gives. Nothing is guessed.

The API answers with every product that fits, and several may: a machine has one price as a training job,
another as a part of a HyperPod cluster, and reservations have fees that are no price of an hour. So a price
is taken only from a product of the job's own component that is billed by the hour; none is "not known",
and two different ones are an error that shows both. docs/costs.md says what of this AWS documents.

A table is a TOML file; each part of it may be left out:

    [instances]              USD an hour, of both kinds of jobs
    "ml.m5.xlarge" = 0.23
    [training]               where a kind of job has another price
    [processing]
    [month]                  USD a month, of one of each: kms_key, alarm, composite_alarm, dashboard
    kms_key = 1.0
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from aws.client import Client, asking
from boomerang.config import Strict, validate
from boomerang.errors import AwsError, BadInput
from boomerang.safeio import load_toml

# The API has endpoints in a few regions, and each knows the prices of all.
ENDPOINT = "us-east-1"
SERVICE = "AmazonSageMaker"
PROCESSING, TRAINING = "Processing", "Training"  # as the API and the pipeline's definition call them

Usd = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Machine = tuple[str, str]  # the kind of job, the instance type
Offer = Mapping[str, Any]


class Month(Strict):
    """What one of each costs a month, in USD; None where the table does not say."""

    kms_key: Usd | None = None
    alarm: Usd | None = None
    composite_alarm: Usd | None = None
    dashboard: Usd | None = None


class Table(Strict):
    """A file of prices."""

    instances: dict[str, Usd] = Field(default_factory=dict)
    training: dict[str, Usd] = Field(default_factory=dict)
    processing: dict[str, Usd] = Field(default_factory=dict)
    month: Month = Month()


@dataclass(frozen=True)
class Prices:
    """Prices that are known.

    Attributes
    ----------
    source : str
        Where they are from; empty if there are none.
    hourly : mapping of (str, str) to float
        USD an instance-hour, by kind of job and instance type.
    month : Month
    """

    source: str = ""
    hourly: Mapping[Machine, float] = field(default_factory=dict)
    month: Month = field(default_factory=Month)


def read_prices(path: Path) -> Prices:
    """Return the prices of a table.

    Raises
    ------
    BadInput
        If there is no such file, or it is no TOML file.
    ConfigError
        If a key or a value of it is wrong; it names the key.
    """
    if not path.exists():
        do = "make it, as docs/costs.md says, or ask the AWS Price List: --prices api"
        raise BadInput(f"{path}", "there is no such file", do)
    table = validate(Table, load_toml(path), where=str(path))
    hourly = {(PROCESSING, name): usd for name, usd in (table.instances | table.processing).items()}
    hourly |= {(TRAINING, name): usd for name, usd in (table.instances | table.training).items()}
    return Prices(str(path), hourly, table.month)


class PriceList(Client):
    """The AWS Price List Query API. It asks for `pricing:GetProducts`, which knows no resource."""

    def __init__(self) -> None:
        super().__init__(ENDPOINT)

    def products(self, service: str, **attributes: str) -> Iterator[Offer]:
        """Yield every product of a service that has these attributes, with its terms."""
        filters = [
            {"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in attributes.items()
        ]
        with asking("pricing:GetProducts", f"{service} {', '.join(attributes.values())}"):
            pages = self._service("pricing").get_paginator("get_products")
            for page in pages.paginate(ServiceCode=service, Filters=filters, FormatVersion="aws_v1"):
                yield from map(_parsed, page["PriceList"])


def _parsed(text: str) -> Offer:
    try:
        offer = json.loads(text)
    except ValueError:
        offer = None
    if not isinstance(offer, dict):
        raise _unreadable("a product of it is no JSON object")
    return offer


def fetch_prices(machines: Iterable[Machine], region: str, api: PriceList | None = None) -> Prices:
    """Ask the price list for machines; one that it does not have is left out.

    Parameters
    ----------
    machines : iterable of (str, str)
        Kinds of jobs and instance types.
    region : str
        Where they would run.
    api : PriceList, optional

    Raises
    ------
    AwsError
        If AWS refuses, the answer cannot be read, or it has several prices for one machine.
    """
    api = api or PriceList()
    found = {machine: _price(machine, region, api) for machine in sorted(set(machines))}
    hourly = {machine: price for machine, price in found.items() if price is not None}
    return Prices(f"AWS Price List, {region}", hourly)


def _price(machine: Machine, region: str, api: PriceList) -> float | None:
    component, instance = machine
    asked = {"regionCode": region, "instanceName": instance, "component": component}
    prices: dict[Decimal, str] = {}
    for offer in api.products(SERVICE, **asked):
        attributes = offer.get("product", {}).get("attributes", {})
        # The answer is held to what was asked: a filter that the API does not know might be no filter.
        if asked.items() <= attributes.items():
            prices |= dict.fromkeys(_by_the_hour(offer), str(attributes.get("usagetype", "?")))
    if len(prices) > 1:
        several = ", ".join(f"{price:f} USD ({usage})" for price, usage in sorted(prices.items()))
        what = f"the price of {instance} for {component} in {region}"
        raise AwsError(what, f"the price list has several: {several}", "give the right one: --prices FILE")
    return float(next(iter(prices))) if prices else None


def _by_the_hour(offer: Offer) -> Iterator[Decimal]:
    """Yield the on-demand prices of an hour that a product has; none that is 0, which prices nothing."""
    try:
        for term in offer["terms"].get("OnDemand", {}).values():
            for dimension in term["priceDimensions"].values():
                price = Decimal(dimension["pricePerUnit"].get("USD", "0"))
                if str(dimension["unit"]).lower() in {"hrs", "hours"} and price:
                    yield price.normalize()
    except (KeyError, AttributeError, ArithmeticError) as error:
        raise _unreadable(f"its terms are not as documented: {error!r}") from error


def _unreadable(why: str) -> AwsError:
    return AwsError("the answer of the AWS Price List", why, "give a table of your own: --prices FILE")
