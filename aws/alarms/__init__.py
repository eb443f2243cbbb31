"""CloudWatch alarms without an account: read from the template, checked, and played against histories.

moto and other stand-ins never evaluate an alarm. This package follows what AWS documents of it:

    alarm           a metric alarm of a template, as a value
    composite       composite alarms: rule, suppression of actions
    series          what was published, as data points by period
    metric_math     the metric math that is used here
    judgment        one evaluation: the range, the four treatments of missing data, M out of N
    play            a history driven through alarms, to changes of state and actions
    event           a change of state as EventBridge's event
    template_rules  what a template must keep to, beyond what cfn-lint knows

`docs/alarms.md` says where the documentation ends and what was assumed behind it.
"""

from aws.alarms.alarm import Alarm, Missing, State, read_alarm
from aws.alarms.composite import CompositeAlarm, read_composite
from aws.alarms.event import StateChange, Where
from aws.alarms.judgment import Verdict, evaluate
from aws.alarms.play import Action, Played, play, play_all
from aws.alarms.series import MetricHistory
from aws.alarms.template_rules import check_alarms, read_alarms

__all__ = [
    "Action",
    "Alarm",
    "CompositeAlarm",
    "MetricHistory",
    "Missing",
    "Played",
    "State",
    "StateChange",
    "Verdict",
    "Where",
    "check_alarms",
    "evaluate",
    "play",
    "play_all",
    "read_alarm",
    "read_alarms",
    "read_composite",
]
