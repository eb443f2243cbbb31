"""The range in an AWS account: putting it there, starting it, following it, taking it away.

    deploy, consent       the stack and what lies in it, step by step, and the person's yes
    deployed, remote      the range as it is there, and starting its pipeline
    campaign_start        a campaign in its place
    board                 its dashboard, which no template can hold
    status, follow        an execution as it is, and until it ends
    advice                what to do about a failure
    destroy               what goes, what stays, and why
    costs                 what a run and a month cost at most
    cost_tables           that, as a person is shown it
    range_tables          a range, as a person is shown it

Nothing here is imported before a command needs it; every call to AWS is a method of `aws.account`.
"""
