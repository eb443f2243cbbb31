"""The definition language read back.

expressions  `Get`, `Std:Join`, `Std:JsonGet`, parameters and conditions
graph        the steps in the order in which they run
job_plan     what a job may see and has to leave
"""
