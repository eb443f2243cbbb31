"""The `process` runner: a pipeline with nothing but Python.

runner        the runner
disks         one job: the private `/opt/ml` of each of its machines, and its outputs
processes     how a process is started, and what it inherits
host          a small process between the runner and its jobs, run as a script
warmth        a plain process, or one that has TensorFlow loaded already
cache_recipe  what a job's key in the cache is made from
code          which code a step runs
explain       what a run would reuse, and why not the rest
"""
