"""Prices from a table and from the price list: what is taken, what is not known, what is refused.

The answers have the shape that AWS documents for GetProducts, with attributes as others have recorded them
(docs/costs.md): no account was asked. Their prices are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from aws.prices import ENDPOINT, Month, PriceList, Prices, fetch_prices, read_prices
from boomerang.errors import AwsError, BadInput, ConfigError

REGION = "eu-west-1"
M5 = ("Processing", "ml.m5.xlarge")


def product(usd: str, component: str = "Processing", unit: str = "Hrs", **attributes: str) -> dict[str, Any]:
    """Return a product as GetProducts gives it, once its text is parsed."""
    known = {
        "instanceName": "ml.m5.xlarge",
        "instanceType": f"ml.m5.xlarge-{component}",
        "component": component,
        "regionCode": REGION,
        "location": "EU (Ireland)",
        "usagetype": f"EU-{component}:ml.m5.xlarge",
        "servicecode": "AmazonSageMaker",
    }
    price = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": "a price",
        "appliesTo": [],
        "rateCode": "A.B.C",
        "pricePerUnit": {"USD": usd},
    }
    term = {"priceDimensions": {"A.B.C": price}, "sku": "A", "offerTermCode": "B", "termAttributes": {}}
    kept = {name: value for name, value in (known | attributes).items() if value}
    return {
        "product": {"productFamily": "ML Instance", "attributes": kept, "sku": "A"},
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {"A.B": term}},
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
    }


class Api:
    """The price list behind botocore's own check of requests and answers."""

    def __init__(self) -> None:
        self.list = PriceList()
        client = boto3.client(
            "pricing", region_name=ENDPOINT, aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.list._services["pricing"] = client
        self.stub = Stubber(client)
        self.stub.activate()

    def answers(self, *pages: list[Any], machine: tuple[str, str] = M5) -> Api:
        """Expect the request for a machine, and answer it in pages."""
        fields = {"regionCode": REGION, "instanceName": machine[1], "component": machine[0]}
        filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in fields.items()]
        request: dict[str, Any] = {
            "ServiceCode": "AmazonSageMaker",
            "Filters": filters,
            "FormatVersion": "aws_v1",
        }
        for number, page in enumerate(pages):
            texts = [each if isinstance(each, str) else json.dumps(each) for each in page]
            answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": texts}
            more = {"NextToken": str(number)} if number else {}
            if number + 1 < len(pages):
                answer["NextToken"] = str(number + 1)
            self.stub.add_response("get_products", answer, request | more)
        return self

    def price(self) -> float | None:
        """Return the price of the machine that was asked for."""
        return fetch_prices([M5], REGION, self.list).hourly.get(M5)


def test_the_price_of_the_jobs_own_component_is_taken() -> None:
    api = Api().answers([product("0.2140000000")])
    prices = fetch_prices([M5, M5], REGION, api.list)
    assert prices == Prices("AWS Price List, eu-west-1", {M5: 0.214}, Month())
    api.stub.assert_no_pending_responses()


def test_each_kind_of_job_has_its_own_price() -> None:
    gpu = ("Training", "ml.g4dn.xlarge")
    api = Api().answers([product("0.214")])
    api.answers([product("0.82", "Training", instanceName="ml.g4dn.xlarge")], machine=gpu)
    assert fetch_prices([gpu, M5], REGION, api.list).hourly == {M5: 0.214, gpu: 0.82}


def test_the_same_price_twice_over_several_pages_is_one() -> None:
    pages = [product("0.2140000000")], [product("0.214", usagetype="EU-Processing:ml.m5.xlarge-2")]
    assert Api().answers(*pages).price() == 0.214


@pytest.mark.parametrize(
    "others",
    [
        [],
        [product("13.57", unit="Quantity", usagetype="EU-TrainingPlanUpfrontFee:ml.m5.xlarge")],
        [product("0.30", "Cluster")],  # a filter that was not heeded
        [product("0.30", regionCode="us-east-1")],
        [product("0.30", instanceName="m5.xlarge")],  # without the prefix it is another service's
        [product("0.30", component="")],
        [product("0.0000000000")],
        [product("0.30") | {"terms": {"Reserved": {}}}],
    ],
    ids=range(8),
)
def test_what_is_no_price_of_this_machine_is_not_taken(others: list[Any]) -> None:
    assert Api().answers(others).price() is None
    assert Api().answers([*others, product("0.214")]).price() == 0.214


def test_two_different_prices_are_shown_and_none_is_chosen() -> None:
    api = Api().answers([product("0.214"), product("0.25", usagetype="EU-Processing:other")])
    with pytest.raises(
        AwsError, match=r"several: 0.214 USD \(EU-Processing:ml.m5.xlarge\), 0.25 USD"
    ) as refused:
        api.price()
    assert refused.value.exit_code == 3 and "--prices FILE" in refused.value.do


@pytest.mark.parametrize(
    "answer",
    [
        "no json",
        "[]",
        {"product": {"attributes": product("1")["product"]["attributes"]}},
        product("much"),
        product("1") | {"terms": {"OnDemand": {"A.B": {}}}},
    ],
    ids=range(5),
)
def test_an_answer_that_cannot_be_read_is_an_error(answer: Any) -> None:
    with pytest.raises(AwsError, match="Price List"):
        Api().answers([answer]).price()


def test_a_refusal_names_the_call() -> None:
    api = Api()
    api.stub.add_client_error("get_products", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match=r"GetProducts of AmazonSageMaker eu-west-1, ml\.m5\.xlarge"):
        api.price()


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(AwsError, match="pricing:GetProducts"):
        fetch_prices([M5], REGION)


# ---- A table


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return path


def test_a_table_gives_both_kinds_of_jobs_a_price(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        '[instances]\n"ml.m5.xlarge" = 0.23\n"ml.c5.xlarge" = 1\n[training]\n"ml.m5.xlarge" = 0.3\n'
        "[month]\nkms_key = 1.0\nalarm = 0.1",
    )
    assert read_prices(path) == Prices(
        str(path),
        {
            ("Processing", "ml.m5.xlarge"): 0.23,
            ("Processing", "ml.c5.xlarge"): 1.0,
            ("Training", "ml.m5.xlarge"): 0.3,
            ("Training", "ml.c5.xlarge"): 1.0,
        },
        Month(kms_key=1.0, alarm=0.1),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[instance]", "did you mean 'instances'"),
        ("[month]\nkms = 1.0", "did you mean 'kms_key'"),
        ("[month]\nalarm = -1", "month.alarm"),
        ("[month]\nalarm = '0.1'", "month.alarm"),
        ("[instances]\nm5 = true", "instances.m5"),
        ("[instances]\nm5 = nan", "is not finite|nan|finite"),
    ],
)
def test_a_wrong_table_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises((ConfigError, BadInput), match=said):
        read_prices(table(tmp_path, text))


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.toml"):
        read_prices(tmp_path / "none.toml")
