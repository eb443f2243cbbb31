"""The Lambda that takes a degraded model out of service; `handler.py` is all of it."""
