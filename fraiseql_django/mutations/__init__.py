"""Operations that write: Python functions in ``python``, all of an operation in ``operation``."""
