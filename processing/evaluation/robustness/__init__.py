"""What is asked of a model beyond its answers.

retuning   what comes back of a backdoor when it is tuned again
"""
