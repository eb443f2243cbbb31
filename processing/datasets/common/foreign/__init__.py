"""Files that people bring: recognized, surveyed, and their arrays brought to one form.

recognition  which source reads what lies at a path
arrays       sources whose files hold arrays of images and labels
pixels       images of any form, as uint8[N, H, W, C]
labels       labels of any form, as numbers of named classes
albums           sources whose files are pictures
picture_folders  folders of them: which are of a split, what is passed over
picture_tables   tables that say what they show
row_groups       rows that belong together, on one side of a split
"""
