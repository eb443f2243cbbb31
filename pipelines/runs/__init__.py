"""What a run leaves.

records       `execution.json`, rewritten in one piece after each step
held          a run held against its record
storage       its stand-in for S3
cache         outputs kept under the digest of everything that made them
lineage       what a Lineage step records
step_notices  what its steps left out and warned of
locking       locks between processes
"""
