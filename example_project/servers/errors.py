"""
What can go wrong with a server that the example brings along.

    EmbeddedServerError
    ├── UnsupportedPlatformError
    ├── DataFolderHeldError
    └── ServerDidNotStartError

Each message is one line that says what is wrong and what helps.
"""


class EmbeddedServerError(Exception):
    """An embedded server cannot be used."""


class UnsupportedPlatformError(EmbeddedServerError):
    """The server's wheel is not installed, or there is none for this platform."""


class DataFolderHeldError(EmbeddedServerError):
    """Another process holds the data folder."""


class ServerDidNotStartError(EmbeddedServerError):
    """The server was started and did not come up."""
