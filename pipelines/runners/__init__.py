"""What runs a definition on this machine.

base         the contract: what a runner is given, and what it has to leave
process/     with nothing but Python
containers/  in containers, by SageMaker's own local mode
scope        what the expressions of one run see
ledger       what every runner does alike: record, store, registry
failure      why a job failed, in words
interrupts   an interrupt from the keyboard is not lost
verify       all that runs have recorded, held against what is on disk
"""
