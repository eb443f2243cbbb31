"""The cells of a campaign, run.

ready       made ready: their definitions, and which steps they share
workers     run several at a time, each a run of its own
headway     how far they are, and about how long the rest takes
forecast    what running them would do
live_table  what a person sees meanwhile, and in the end
"""
