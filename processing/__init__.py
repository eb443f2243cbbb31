"""Steps that work on data, each in the module of its name, and what they are made of.

    preprocess   split the source, set canary candidates apart, prepare the pictures
    poison       a recipe of attacks applied to the training set, and the truth about it
    poisoned     the set that Poison makes, as it is written
    undo         the clean set again, from the poisoned one and the secret
    takeover     the training of a victim whose attacker runs it
    screen       the rows scored and flagged by what a defender has
    control      filters that know the truth, to tell a defense from luck
    evaluate     the models held against the test set, the attacks, the canaries and the gate
    canary       the newest approved model asked again
    parts/       the entry points of the machines that make shares
    endpoint     the approved model, served
    datasets/    the sources of data, one file each
    pictures/    a folder of photographs as one array
    attacks/     the attacks, one file each
    defenses/    what a defender does with the rows of a training set
    evaluation/  what Evaluate and the canary are made of
    sharing/     work that several machines share, or one does alone

May import `boomerang` and `training.model`, and `takeover` all of `training`; never `sagemaker`, `aws` or
`pipelines`.
"""
