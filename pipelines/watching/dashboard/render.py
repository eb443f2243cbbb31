"""Makes the page: the body widget by widget, and below it the runs, and what could not be drawn.

Whatever comes from a run is escaped, see `pipelines.page.shell`, and scrubbed of paths and control
characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from aws.alarms import Alarm, CompositeAlarm, State, Where, read_alarms
from aws.dashboard import Newest, dashboard_body, watched
from aws.dashboard.body import BILLING, Body
from aws.stack.intrinsics import Stack, stack
from pipelines.campaign.site import LOCAL
from pipelines.page import wording
from pipelines.page.scrub import scrub_text
from pipelines.page.shell import Shell
from pipelines.registry.local import Package
from pipelines.watching.dashboard.charts import color_class, formatter, graph
from pipelines.watching.dashboard.lines import Samples, lines_of
from pipelines.watching.dashboard.states import Standing, standings
from pipelines.watching.dashboard.workspace import History

_TEMPLATES = Path(__file__).with_name("templates")
# No account has this number, so the ARNs of this page name nothing in any.
_NOWHERE = Where(account="000000000000", region=LOCAL.region)

_VERDICTS: Mapping[State | None, tuple[wording.Tone, str, str]] = {
    State.OK: ("good", "No alarm on the model stands.", ""),
    State.ALARM: (
        "bad",
        "The model is in alarm.",
        "In an account its package would be rejected, and people told.",
    ),
    State.INSUFFICIENT_DATA: ("warn", "Too little was measured to judge.", "An alarm needs more runs."),
    None: ("warn", "Nothing was measured yet.", ""),
}
_MISSING: tuple[wording.Tone, str, str] = (
    "warn",
    "Nobody knows how the model is now.",
    "No canary of it ran in the time that the alarms look back; what follows is older.",
)
_TONES: Mapping[State | None, str] = {State.OK: "good", State.ALARM: "bad", State.INSUFFICIENT_DATA: "warn"}
_STATES: Mapping[State | None, str] = {
    State.OK: "OK",
    State.ALARM: "In alarm",
    State.INSUFFICIENT_DATA: "Insufficient data",
    None: "Not on a laptop",
}


def local_stack(group: str) -> Stack:
    """Return the project's stack as it would be for a group, so that its alarms are those of an account."""
    return stack({"PackageGroup": group})


def local_body(history: History) -> Body:
    """Return the body of the dashboard of a workspace."""
    newest = _newest(history.newest) if history.newest else None
    return dashboard_body(watched(local_stack(history.group), _NOWHERE, newest))


def _newest(package: Package) -> Newest:
    last = package.history[-1]
    created = f"{package.facts.get('created', '')}"[:16].replace("T", " ")
    why = scrub_text(str(last.get("reason", "")))
    return Newest(package.version, package.status, scrub_text(created), why)


def render(history: History, workspace: Path, now: datetime) -> str:
    """Return the page.

    Parameters
    ----------
    history : History
    workspace : Path
        Where it was read, for the page of a workspace without runs.
    now : datetime
        When the alarms are judged, with its zone.
    """
    body = local_body(history)
    alarms = read_alarms(local_stack(history.group).resources)
    standing = standings(alarms, history.judged, now)
    samples = history.samples(watched(local_stack(history.group), _NOWHERE).pipeline)
    return _shell().render(
        "dashboard",
        history=history,
        workspace=scrub_text(str(workspace)),
        now=now,
        verdict=_verdict(alarms, standing),
        asked=_asked(alarms),
        widgets=[_shown(widget, samples, standing) for widget in body["widgets"]],
        body=json.dumps(body, indent=1),
    )


def _verdict(
    alarms: list[Alarm | CompositeAlarm], standing: Mapping[str, Standing]
) -> tuple[wording.Tone, str, str]:
    """Return what the alarm that rejects models says; that it stays silent says nothing without a canary."""
    degraded = next(alarm for alarm in alarms if isinstance(alarm, CompositeAlarm))
    state = standing[degraded.name].state
    missing = degraded.suppressor and standing[degraded.suppressor].state is State.ALARM
    return _MISSING if missing and state is not State.ALARM else _VERDICTS[state]


def _asked(alarms: list[Alarm | CompositeAlarm]) -> str:
    """Return what the alarms ask for, in words."""
    alarm = next(alarm for alarm in alarms if isinstance(alarm, Alarm))
    hours = wording.plural(alarm.period // 3600, "hour")
    return f"{alarm.datapoints} bad periods of {alarm.periods}, of {hours} each"


@lru_cache(maxsize=1)
def _shell() -> Shell:
    return Shell(
        _TEMPLATES,
        {"scrubbed": scrub_text, "tone": _TONES.get, "said": _STATES.__getitem__, "when": _when},
    )


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _shown(widget: Mapping[str, Any], samples: Samples, standing: Mapping[str, Standing]) -> dict[str, Any]:
    """Return what the template needs of a widget: its kind, its width, and its content."""
    properties, kind = widget["properties"], widget["type"]
    shown = {"kind": kind, "width": widget["width"], "title": properties.get("title", "")}
    if kind == "text":
        return {**shown, "html": markdown(properties["markdown"])}
    if kind == "alarm":
        names = [str(arn).rpartition(":")[2] for arn in properties["alarms"]]
        return {**shown, "alarms": [standing[name] for name in names]}
    return {**shown, **_drawn(properties, samples, widget["width"])}


def _drawn(properties: Mapping[str, Any], samples: Samples, width: int) -> dict[str, Any]:
    lines, write = lines_of(properties, samples), formatter(properties)
    legend = [(color_class(k), line.label, write(line.samples[-1].value)) for k, line in enumerate(lines)]
    charges = any(entry[0] == BILLING for entry in properties["metrics"])
    return {
        "svg": graph(properties, lines, width) if lines else None,
        "legend": legend,
        "why_empty": _NO_CHARGES if charges else "No run and no canary here has this number yet.",
    }


_NO_CHARGES = (
    "Runs on this machine have no bill. In an account CloudWatch draws its charges here, "
    "once billing alerts are turned on."
)

_INLINE = re.compile(r"\\(.)|\*\*(.+?)\*\*(?!\*)|`([^`]+)`")


def markdown(text: str) -> Markup:
    r"""Return the little Markdown that the body uses as HTML, one line a block.

    `## ` is a heading, `- ` an item, any other line a paragraph; in it `**`, backquotes and `\` count.

    >>> markdown("## a\n**b** \\<i\\>")
    Markup('<h2>a</h2><p><strong>b</strong> &lt;i&gt;</p>')
    """
    html = Markup("")
    for line in filter(None, map(str.strip, text.splitlines())):
        mark = next((mark for mark in _BLOCKS if line.startswith(mark)), "")
        html += Markup(_BLOCKS.get(mark, "<p>{}</p>")).format(_inline(line.removeprefix(mark)))
    return html


_BLOCKS = {"## ": "<h2>{}</h2>", "- ": '<p class="item">{}</p>'}


def _inline(text: str) -> Markup:
    html, end = Markup(""), 0
    for found in _INLINE.finditer(text):
        html += escape(text[end : found.start()])
        escaped, strong, code = found.groups()
        if strong is not None:
            html += Markup("<strong>{}</strong>").format(_inline(strong))
        else:
            html += Markup("<code>{}</code>").format(code) if code is not None else escape(escaped)
        end = found.end()
    return html + escape(text[end:])
