"""The local model registry.

local          a folder for each version of a group
package_files  what is written down of a package's files
approval       what a person decides on a package
verdict        what the gate said of it
signatures     signed runs, made and verified
origin         every step behind a package
behind         the run that it came from, held before a person decides
"""
