"""What Evaluate and the canary are made of.

case            every input of Evaluate, checked and opened
trials          what every attack of a recipe is measured on
predictions     what the models answer on the large sets: the part that takes time
numbers         what one model's answers are worth
judging         from what was measured to the gate's verdict
measure         the numbers of a run, and what the gate reads
canaries        records that a clean model knows, frozen for the run
probes          images frozen, by which an attack's success is measured again
evidence        what a person should see of a case
canary_numbers  what a canary measures
robustness/     what is asked of a model beyond its answers
"""
