"""The folders that one package writes and another reads: writer and reader of each side by side.

truth        what was done to each row, for Evaluate and who attacks
overwritten  what was overwritten by it, so that it can be undone; a part of the truth
model        what a training job leaves
notices      what a step left out, and what it warns of, beside what it made
screen       what every detector says of every row, and which rows are kept
evaluation   the numbers of a run, and what a person should see beside them
predictions  what every model called every image that a rate is counted on
probes       the images by which an attack's success is measured again
package      the files of a model package, by name
canary       what a canary measured, and the same as it is published
"""
