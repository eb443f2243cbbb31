"""The pipeline: its definition, what runs it, its report and the command line.

    campaign/    one campaign entry: TOML -> checked config -> each step's own settings
    definition/  config -> the definition of a SageMaker pipeline
    language/    the definition language read back
    check/       a definition held against all that can be known of it offline
    runners/     what runs a definition on this machine
    runs/        what a run leaves: its record, its outputs, its cache
    registry/    the local model registry
    watching/    the canary and the dashboard on this machine
    page/        what the pages share
    report/      one HTML file and the same numbers as JSON
    matrix/      a campaign: many runs, one matrix
    comparison/  what differs between two runs, or two campaigns
    inspection/  what a foreign model file tells of a backdoor
    cloud/       the range in an AWS account
    glance/      what a user's data is, and the entry that uses it
    catalogue/   the attacks and defenses as a person looks them up
    cli/         the command line

Nothing here is imported by another package of the project.
"""
