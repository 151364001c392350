"""The experiments of the paper as data: what is run for each table, in which order, at what cost.

`paper.py` has them at full size, `small.py` with the built-in model; `running.py` runs them and
`page.py` writes docs/paper.md. A step that several tables share is one step, and is done once.
"""
