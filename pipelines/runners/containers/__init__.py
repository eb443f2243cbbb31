"""The `local` runner: a pipeline in containers.

runner     the runner
localmode  SageMaker's local mode, made to run the whole pipeline; reaches into the SDK
run_book   the run as its record sees it
"""
