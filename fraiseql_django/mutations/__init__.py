"""Operations that write. Each kind of mutation registers how it is described, and what runs it.

python         mutations in Python
postgres       mutations in PostgreSQL functions
models         mutations from models
arguments      the arguments in a document → what a mutation is called with
context        what a mutation runs with, and its results
operation      the mutations of an operation: transactions, repetition, answers
answer         result of a mutation → JSON text
error_objects  exceptions → objects of a mutation's class of errors
constraints    violated constraints of PostgreSQL → errors as data
"""

from . import postgres, python
from .models import describe

__all__ = ["describe", "postgres", "python"]
