"""The commands, a module each: `add` gives the command its help and options, beside it is what it does.

    run, campaign, report, compare, verify     on this machine; some on AWS too
    data                                       what your data is, and the entry that uses it
    attacks, defenses, undo                    what can be staged and set against it; how to take it back
    key, plan, definition, check, image        the same
    inspect                                    about any model file
    canary, approve, reject, dashboard         about a model in use, here or on AWS
    deploy, status, destroy                    a range in an account
    completion                                 for a shell

Whatever a command needs beyond the standard library is imported when it runs.
"""
