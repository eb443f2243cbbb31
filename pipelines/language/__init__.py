"""The definition language read back.

expressions  `Get`, `Std:Join`, `Std:JsonGet`, parameters and conditions
for_each     a step once for each of several items
graph        the steps in the order in which they run
job_plan     what a job may see and has to leave
"""
