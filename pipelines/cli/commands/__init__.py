"""The commands, a module each: `add` gives the command its help and options, beside it is what it does.

Whatever a command needs beyond the standard library is imported when it runs.
"""
