"""One campaign entry; those that come with the project lie in `configs/`.

sections      the entry as it is written: each section a model
entry         found, read, checked as a whole, split into each step's own settings
paths         its paths, made absolute
enough_rows   the rows that it asks of each class, against those that there are
row_files     rows of the training set that it names in a file
recipe_check  its recipe, held against all else that it says
own_model     the model of its own that it brings
member        one cell of many: an entry under a name
presets       what its network recommends, where it says nothing of the training
site          the account's names that a definition holds
staging       what the steps read from the user's disk, named by content
"""
