"""The `globalchat` command: connects the packages.

`commands` is what can be called, `arguments` what is typed, `console` what meets the terminal; each big
command has a folder of its own for its run and what it shows.
"""
