"""Operations that write: Python functions in ``python``."""
