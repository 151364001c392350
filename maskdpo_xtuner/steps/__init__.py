"""Steps that are done once: commands, what they must leave, and a record of what it was made from.

A step whose record says that it is done, and whose files are there, is skipped. One that was begun
is run again; its command goes on where it was. So a run may end anywhere and be started again.
"""
