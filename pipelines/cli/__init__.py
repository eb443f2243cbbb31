"""The command line.

    main                  its parser, how a command is run, and how it ends
    last_resort           how one ends that nobody saw coming
    commands              what each command takes and does
    options               what several commands take
    decision              what the commands share with which a person decides on a package
    where                 where jobs run on this machine, as processes or in containers
    command_lines         the command lines that are named as the next
    progress              what is seen while a run goes on

It may import everything; nothing imports it but `python -m pipelines` and the installed command `boomerang`.
"""
