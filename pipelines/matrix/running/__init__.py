"""The cells of a campaign, run.

ready     made ready: their definitions, and which steps they share
schedule  several at a time, each a run of its own
forecast  what running them would do
progress  how far they are, and about how long the rest takes
board     what a person sees meanwhile, and in the end
"""
