"""A campaign: many runs, one matrix.

campaign    from its file to its matrix, in the folder of its name
entries     a campaign as it is written
cells       what is to be run: one for each defense, attack at a rate, data and seed
running/    running them side by side, and how far that is
gathering/  their numbers, over all seeds
document    what `matrix.json` holds
quantities  what is measured in every cell
page        the matrix to be read, in one file
panels      what the page's script knows of it
table       the matrix for spreadsheets
figures     its numbers in words
"""
