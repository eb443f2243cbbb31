"""What stages whole campaigns or trainings, and takes as long as they do.

campaigns    entries on several seeds: the tables of docs/results.md
matrices     whole campaigns: the matrices of docs/results.md
by_seed      campaigns of which each seed is kept as soon as it is measured
attacks      campaigns without defenses: the tables of attacks, and what `attacks KIND` says
repairs      every repair against attacks, with the re-tuning test
inspected    what the checks say of models that are known
certificates a certified vote on MNIST
screens      every screen against attacks: the tables of screens
combination  detectors alone and put together, asked about the victims of campaigns
combining    ways to make one screen of several detectors
seeds        results that grow seed by seed
svm_screens  screens against the attacks on a support vector machine, called one after the other
growth       the pipeline at ten times the rows, measured by `bench.scale`
trials       the trainings that chose the recipes, run by `bench.recipes`
"""
