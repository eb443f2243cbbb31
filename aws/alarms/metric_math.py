"""The metric math that this project's alarms use, on data points as CloudWatch describes it.

    MAX([m1, m2])  MAX(METRICS())  FILL(m1, 0)  + - * /  -m1  numbers, ids, parentheses

Everything else is refused by its name. `MAX` of a single metric is refused too: it is one number over
all retrieved points, and an alarm retrieves more of them than it evaluates.
Source: CloudWatch User Guide, "Using metric math": a missing value counts as 0 in arithmetic between
metrics, division by zero drops the data point, `FILL` puts its value where data is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aws.alarms.series import Series
from boomerang.errors import BadInput

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(.))")

_KNOWN = "the evaluator knows MAX([..]), MAX(METRICS()), FILL(m, value), + - * / and parentheses"

Value = float | Series | list[Series]  # a scalar, a time series, an array of time series


def _divide(a: float, b: float) -> float | None:
    return a / b if b else None


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
}


def compute(expression: str, known: Mapping[str, Series], metrics: tuple[str, ...]) -> Series:
    """Return the data points of an expression.

    Parameters
    ----------
    expression : str
    known : mapping
        The data points of every id that it may name.
    metrics : tuple of str
        The ids that `METRICS()` stands for: metrics, not expressions.

    Raises
    ------
    BadInput
        If it uses what this evaluator does not know, or does not end in one time series.
    """
    parser = _Parser(expression, known, metrics)
    value = parser.sum()
    parser.expect("")
    if not isinstance(value, tuple):
        kind = "several time series" if isinstance(value, list) else "a number"
        raise parser.refuse(f"it gives {kind}", "an alarm watches one time series")
    return value


@dataclass
class _Parser:
    """Recursive descent; every method returns the value of what it has read."""

    text: str
    known: Mapping[str, Series]
    metrics: tuple[str, ...]
    tokens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = [match.group().strip() for match in _TOKEN.finditer(self.text.strip())]

    def refuse(self, why: str, do: str = _KNOWN) -> BadInput:
        return BadInput(f"metric math '{self.text}'", why, do)

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def expect(self, token: str) -> None:
        if self.peek() != token:
            expected = f"'{token}'" if token else "the end"
            raise self.refuse(f"'{self.peek()}' stands where {expected} was expected")
        del self.tokens[:1]

    def sum(self) -> Value:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = self.combine(self.tokens.pop(0), value, self.product())
        return value

    def product(self) -> Value:
        value = self.factor()
        while self.peek() in ("*", "/"):
            value = self.combine(self.tokens.pop(0), value, self.factor())
        return value

    def factor(self) -> Value:
        token = self.tokens.pop(0) if self.tokens else ""
        match token:
            case "-":
                return self.combine("*", -1.0, self.factor())
            case "(":
                value = self.sum()
                self.expect(")")
                return value
            case "[":
                return self.array()
        if token[:1].isdigit() or token[:1] == ".":
            return float(token)
        return self.call(token) if self.peek() == "(" else self.named(token)

    def array(self) -> list[Series]:
        items = [self.one_series()]
        while self.peek() == ",":
            self.expect(",")
            items.append(self.one_series())
        self.expect("]")
        return items

    def one_series(self) -> Series:
        value = self.sum()
        if not isinstance(value, tuple):
            raise self.refuse("only time series stand in an array")
        return value

    def named(self, token: str) -> Series:
        if token not in self.known:
            raise self.refuse(f"'{token}' is no metric or earlier expression of this alarm")
        return self.known[token]

    def call(self, function: str) -> Value:
        self.expect("(")
        match function:
            case "METRICS":
                value: Value = [self.known[metric] for metric in self.metrics]
            case "MAX":
                value = self.maximum(self.sum())
            case "FILL":
                value = self.fill(self.sum())
            case _:
                raise self.refuse(f"the evaluator does not know '{function}'")
        self.expect(")")
        return value

    def maximum(self, value: Value) -> Series:
        if not isinstance(value, list):
            raise self.refuse("MAX of one time series is one number over all retrieved points")
        present = [[point for point in column if point is not None] for column in zip(*value, strict=True)]
        return tuple(max(points) if points else None for points in present)

    def fill(self, value: Value) -> Value:
        self.expect(",")
        if self.peek() in ("REPEAT", "LINEAR"):
            raise self.refuse(f"the evaluator does not know FILL with '{self.peek()}'")
        filler = self.sum()
        if isinstance(value, float) or not isinstance(filler, float):
            raise self.refuse("FILL takes time series and a number")
        if isinstance(value, list):
            return [_filled(series, filler) for series in value]
        return _filled(value, filler)

    def combine(self, sign: str, left: Value, right: Value) -> Value:
        if isinstance(left, list) or isinstance(right, list):
            raise self.refuse(f"the evaluator does not know '{sign}' on arrays")
        work = _OPERATORS[sign]
        if isinstance(left, float) and isinstance(right, float):
            value = work(left, right)
            if value is None:
                raise self.refuse("it divides a number by 0")
            return value
        return _pointwise(work, left, right)


def _filled(series: Series, filler: float) -> Series:
    return tuple(filler if point is None else point for point in series)


def _pointwise(
    work: Callable[[float, float], float | None], left: float | Series, right: float | Series
) -> Series:
    length = len(left) if isinstance(left, tuple) else len(right) if isinstance(right, tuple) else 0
    lefts = left if isinstance(left, tuple) else (left,) * length
    rights = right if isinstance(right, tuple) else (right,) * length
    # A point is there where one of the time series has it; a number alone makes no point.
    sides = [side for side in (left, right) if isinstance(side, tuple)]
    there = [any(point is not None for point in column) for column in zip(*sides, strict=True)]
    return tuple(
        work(a or 0.0, b or 0.0) if here else None for a, b, here in zip(lefts, rights, there, strict=True)
    )
