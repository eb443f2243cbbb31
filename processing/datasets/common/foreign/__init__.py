"""Files that people bring: recognized, surveyed, and their arrays brought to one form.

recognition      which source reads what lies at a path
array_source     sources whose files hold arrays of images and labels
image_forms      images of any form, as uint8[N, H, W, C]
labels           labels of any form, as numbers of named classes
naming           what people call the splits of a set
companions       what lies beside a file of arrays
albums           sources whose files are pictures
picture_folders  folders of them: which are of a split, what is passed over
picture_tables   tables that say what they show
row_groups       rows that belong together, on one side of a split
"""
