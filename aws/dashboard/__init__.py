"""The CloudWatch dashboard: its body, and what can be known of a body without an account.

body      the one builder of the dashboard's body, for CloudWatch and for the page on a laptop
search    the search expressions in it: written and read by the same module
mistakes  metrics that nobody publishes, geometry, keys, limits
"""

from aws.dashboard.body import Newest, Watched, dashboard_body, watched
from aws.dashboard.mistakes import check_dashboard
from aws.dashboard.search import Search, read_search

__all__ = [
    "Newest",
    "Search",
    "Watched",
    "check_dashboard",
    "dashboard_body",
    "read_search",
    "watched",
]
