"""Where answers are kept: the protocol in ``base``, Django's cache in ``django``, what is kept in ``results``."""
