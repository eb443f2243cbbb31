"""`dashboard`: drawn from the runs of this machine, or put for a deployed range."""

from __future__ import annotations

from argparse import Namespace
from contextlib import suppress

from boomerang.errors import EXIT_PASSED, BadInput
from pipelines.cli.options import Commands, add_out, add_range, writable_path


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "dashboard",
        help="draw the CloudWatch dashboard from the runs of this machine",
        description="Draw the dashboard that CloudWatch gets, with its alarms, from the runs of this "
        "machine: as one HTML file, or served on 127.0.0.1 and made anew for every load. With --on aws, put "
        "the one of a deployed range, which names its newest package, into CloudWatch anew.",
    )
    command.set_defaults(act=dashboard)
    add_out(command)
    command.add_argument("--group", metavar="NAME", help="(default: the group of the newest run)")
    command.add_argument(
        "--on", choices=("process", "aws"), default="process", help="whose dashboard (default: process)"
    )
    add_range(command)
    shown = command.add_mutually_exclusive_group()
    shown.add_argument(
        "--page", type=writable_path, metavar="FILE", help="(default: dashboard.html in --out)"
    )
    shown.add_argument(
        "--serve", type=int, nargs="?", const=8765, metavar="PORT", help="(default port: 8765)"
    )


def dashboard(options: Namespace) -> int:
    """Draw the dashboard from the runs of this machine, or put that of a deployed range."""
    if options.on == "aws":
        return _put(options)
    if options.serve is not None:
        return _serve(options)
    if options.page and options.page.is_dir():
        raise BadInput(f"--page {options.page}", "it is a folder", "give the name of a file in it")
    from pipelines.watching.dashboard import write_dashboard

    print(write_dashboard(options.out, options.page, group=options.group))
    return EXIT_PASSED


def _serve(options: Namespace) -> int:
    from pipelines.watching.dashboard import dashboard_page
    from pipelines.watching.dashboard.serve import ADDRESS, server

    with server(lambda: dashboard_page(options.out, group=options.group), options.serve) as served:
        print(f"http://{ADDRESS}:{served.server_port}/ until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            served.serve_forever()
    return EXIT_PASSED


def _put(options: Namespace) -> int:
    """Put the dashboard of a range anew, with its newest package."""
    from aws.account import connect
    from pipelines.cloud.board import put_dashboard
    from pipelines.cloud.consent import say
    from pipelines.cloud.deployed import deployed

    put = put_dashboard(deployed(connect(options.region), options.project), say)
    print(f"dashboard {options.project}: {'put' if put else 'nothing had to be changed'}")
    return EXIT_PASSED
