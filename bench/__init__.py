"""Measurements: what ours costs beside what people would use instead, and what the campaigns reach.

    python -m bench            lists what can be measured
    python -m bench NAME ...   measures it and writes bench/results/NAME.json
    python -m bench render     writes the tables of docs/ from bench/results

contest    a row: contenders, what each calls, goals
worker     one contender in a process of its own: its clock, its memory
harness    the contenders of a row, in turn
machine    what it was measured on
results    a row's result as JSON
page       docs/benchmarks.md from the results
staging    a campaign staged through the command line
scale      the whole pipeline at several numbers of rows
recipes    the trials that chose the recipes of the networks
staged/    campaigns and trainings in a row; the tables of docs/results.md
data       the rows that several contests are about
campaigns/ campaigns, one TOML file each
rows/      one file a group of rows
results/   the results, one JSON file a row
"""
