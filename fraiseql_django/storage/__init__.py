"""Where operations are read from: the protocol in ``base``, Django's connection in ``django``."""
