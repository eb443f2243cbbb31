"""The pipeline: its definition, what runs it, its report and the command line.

    settings     one campaign entry: TOML -> checked config -> each step's own settings
    staging      what the steps read from the user's disk, named by content
    definition   config -> the definition of a SageMaker pipeline (the only importer of `sagemaker`)
    build        the two above, kept by content so that the SDK is rarely imported
    shapes       the definition held against the service's own API shapes, offline
    runner       the definition run on this machine: `expressions` evaluates it, `graph` orders it,
                 `plans` and `jobs` lay out a job, `host` and `processes` start it, `cache` and
                 `storage` keep what it made, `registry` and `lineage` what came of it
    report       one HTML file and the same numbers as JSON
    cli          the command line; `progress` is what it shows while a run goes on

Nothing here is imported by another package of the project.
"""
