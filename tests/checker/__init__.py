"""Holds every answer of several processes against what was committed when its request began.

A run has a database and a cache server of its own, and processes with an engine each. A register is a row, or what a
row leads to, that holds the number of its last write; one thread alone writes it, so the number only grows. The thread
says in shared memory which number it begins to write, and after the write has been answered that it is committed. A
reader takes the committed numbers of all registers that its operation shows, executes it, takes the begun ones, and an
answer that shows a number below the first or above the second ends the run, with the history of that register. When
all writes are over, every answer must be kept again. ``sabotage`` breaks the protocol to show that this is noticed.

registers      what is written, and what an answer shows of it
bounds         the numbers that each register may have, in shared memory
writes, reads  every way to write a register in every kind of transaction; operations of every kind
worker         a process: its threads
run            a run: its servers and processes, and what it has found
disturbances   keys that are removed, processes that are killed, servers that pause …
sabotage       protocols with a fault
report         the history of a wrong answer
models, graphql, settings, tables.sql   the app that the processes have installed
"""
