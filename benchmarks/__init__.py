"""The benchmark: this package beside SQL written by hand, a constant view and other GraphQL servers.

    workloads      operations over the bookshop, each with the best SQL that we can write by hand for the same answer
    sides/         what is measured: one module for each, with its schema, its queries and how it is set up
    worker         a process that serves one side to the benchmark; settings, urls and wsgi serve it over HTTP
    answers        the answers of all sides are the same, before anything is timed
    in_process     times, ratios, statements and memory without HTTP
    instructions   instructions of an operation, counted by callgrind
    over_http      requests a second and memory of a worker, behind granian and gunicorn
    growth/        how cost grows with the answer, the document, the schema, the clients and the tables
    report         the JSON of a run to the tables and plots of docs/performance.md

``python -m benchmarks`` (``make bench``) runs it, ``python -m benchmarks.growth`` (``make bench-growth``) the growth.
"""
