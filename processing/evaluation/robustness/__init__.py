"""What is asked of a model beyond its answers.

retuning   what comes back of a backdoor when it is tuned again
certified  from how many changed rows the answers to the canaries are safe
election   the vote that says it
"""
