"""How cost grows: with the answer, the document, the schema, the clients, the workers and the tables.

models      the models that it reads, and their tables, which are made for the run and dropped after it
child       a process for one point: this package and SQL by hand in turn
series      the series, each a list of points
"""
