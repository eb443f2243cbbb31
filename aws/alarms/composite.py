"""Composite alarms: a rule over the states of other alarms, and the suppression of their actions.

    ALARM("x")  OK(x)  INSUFFICIENT_DATA("arn:...:alarm:x")  TRUE  FALSE  AND  OR  NOT  ( )

AWS documents no precedence of AND and OR, so a rule that mixes them without parentheses is refused.
Source: PutCompositeAlarm, AlarmRule; CloudWatch User Guide, "Suppressing composite alarm actions".

Suppression holds back actions (notifications, Lambda actions), not the change of state: its event goes
to EventBridge all the same, and says `actionsSuppressedBy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws.alarms.alarm import Properties, State
from boomerang.errors import BadInput

States = Mapping[str, State]
Condition = Callable[[States], bool]

_TOKEN = re.compile(r'\s*("[^"]*"|[()]|[^\s()"]+)')
_PROPERTIES = frozenset(
    {
        "AlarmName", "AlarmDescription", "AlarmRule", "ActionsSuppressor", "ActionsSuppressorWaitPeriod",
        "ActionsSuppressorExtensionPeriod", "ActionsEnabled", "AlarmActions", "OKActions",
        "InsufficientDataActions", "Tags",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A rule that was read.

    Attributes
    ----------
    text : str
    holds : callable
        Takes the states by alarm name.
    alarms : tuple of str
        The alarms it names, in their order, each once.
    elements : int
        Functions, TRUE or FALSE statements, and pairs of parentheses.
    """

    text: str
    holds: Condition = field(compare=False)
    alarms: tuple[str, ...]
    elements: int


@dataclass(frozen=True)
class CompositeAlarm:
    """A composite alarm; `wait_s` and `extension_s` count where it has a suppressor."""

    name: str
    rule: Rule
    suppressor: str = ""
    wait_s: int = 0
    extension_s: int = 0
    description: str = ""

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The alarms whose states it needs."""
        return (*self.rule.alarms, *([self.suppressor] if self.suppressor else []))

    def state(self, states: States) -> State:
        """Return its state; only a new composite alarm is ever in INSUFFICIENT_DATA."""
        return State.ALARM if self.rule.holds(states) else State.OK


def read_composite(logical_id: str, resource: Mapping[str, Any]) -> CompositeAlarm:
    """Return the alarm that a resource of type `AWS::CloudWatch::CompositeAlarm` describes.

    Raises
    ------
    BadInput
        If a property is missing or not understood, or the rule cannot be read.
    """
    of = Properties(logical_id, resource.get("Properties", {}))
    of.refuse_unknown(_PROPERTIES)
    suppressor = alarm_name(of.text("ActionsSuppressor", ""))
    return CompositeAlarm(
        name=of.text("AlarmName", logical_id),
        description=of.text("AlarmDescription", ""),
        rule=read_rule(of.text("AlarmRule")),
        suppressor=suppressor,
        wait_s=int(of.number("ActionsSuppressorWaitPeriod")) if suppressor else 0,
        extension_s=int(of.number("ActionsSuppressorExtensionPeriod")) if suppressor else 0,
    )


def alarm_name(reference: str) -> str:
    """Return the name in an alarm's ARN, or the name that it is.

    >>> alarm_name("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:floor")
    'floor'
    """
    return reference.split(":alarm:", 1)[1] if reference.startswith("arn:") else reference


def read_rule(text: str) -> Rule:
    """Read an AlarmRule.

    Raises
    ------
    BadInput
        If it is not in the language above, or mixes AND and OR without parentheses.
    """
    parser = _RuleParser(text)
    holds = parser.expression()
    if parser.peek():
        raise parser.refuse(f"'{parser.peek()}' stands where the end was expected")
    return Rule(text, holds, tuple(dict.fromkeys(parser.alarms)), parser.elements)


class _RuleParser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.alarms: list[str] = []
        self.elements = 0

    def refuse(self, why: str) -> BadInput:
        do = 'write ALARM("name"), OK(..), INSUFFICIENT_DATA(..), TRUE, FALSE, joined by AND, OR, NOT and ( )'
        return BadInput(f"alarm rule '{self.text}'", why, do)

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token not in expected):
            raise self.refuse(f"'{token}' stands where '{' or '.join(expected) or 'more'}' was expected")
        return str(self.tokens.pop(0))

    def expression(self) -> Condition:
        terms = [self.term()]
        joint = self.peek() if self.peek() in ("AND", "OR") else ""
        while joint and self.peek() in ("AND", "OR"):
            if self.take() != joint:
                raise self.refuse("it mixes AND and OR without parentheses, and AWS documents no precedence")
            terms.append(self.term())
        together = any if joint == "OR" else all
        return lambda states: together(term(states) for term in terms)

    def term(self) -> Condition:
        token = self.take()
        if token == "NOT":
            denied = self.term()
            return lambda states: not denied(states)
        self.elements += 1
        if token == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if token in ("TRUE", "FALSE"):
            return lambda _: token == "TRUE"
        return self.function(token)

    def function(self, token: str) -> Condition:
        if token not in list(State):
            raise self.refuse(f"the evaluator does not know '{token}'")
        self.take("(")
        name = alarm_name(self.take().strip('"'))
        self.take(")")
        self.alarms.append(name)
        return lambda states: states[name] == token


@dataclass
class Suppression:
    """Whether a composite alarm may act; feed it every moment in the order of time.

    A change of the composite's state starts a WaitPeriod, in which the suppressor may still go to
    ALARM; while it is in ALARM nothing is done; when it leaves ALARM an ExtensionPeriod starts. When
    none of the three holds any more, the alarm acts on the state that it then is in.
    """

    alarm: CompositeAlarm
    by: str = ""
    _until: datetime | None = None
    _due: bool = False
    _suppressor: State = State.INSUFFICIENT_DATA

    def step(self, at: datetime, *, changed: bool, suppressor: State) -> bool:
        """Take the states at one moment and return whether the alarm acts now.

        Parameters
        ----------
        at : datetime
        changed : bool
            Whether the composite alarm has just changed its state.
        suppressor : State
        """
        left = self._suppressor is State.ALARM and suppressor is not State.ALARM
        self._suppressor = suppressor
        self._due |= changed
        if not self.alarm.suppressor:
            self.by = ""
        elif suppressor is State.ALARM:
            self.by, self._until = "Alarm", None
        elif changed:
            self._start("WaitPeriod", at, self.alarm.wait_s)
        elif left:
            self._start("ExtensionPeriod", at, self.alarm.extension_s)
        if self._until is not None and at >= self._until:
            self.by, self._until = "", None
        acts = self._due and not self.by
        self._due &= not acts
        return acts

    def _start(self, by: str, at: datetime, seconds: int) -> None:
        self.by, self._until = by, at + timedelta(seconds=seconds)
