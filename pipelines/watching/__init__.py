"""The watch over the approved model.

watched_package  which package is watched, and what it was registered with
local_canary     it is asked, and the answers kept in a history
dashboard/       the body that CloudWatch gets, drawn on this machine
"""
