"""Queries whose root fields functions of the project's answer: these are called, then the statement is planned and run.

operation   calls the functions, and puts the answer together
"""
