"""
The servers that the example brings along in wheels: nobody has to install PostgreSQL or Redis to try it.

    server = EmbeddedPostgres(folder)   # nothing happens yet, but server.url is known
    server.start()                      # makes the data folder when that is new; joins a server that runs
    server.stop()                       # the last process to leave stops it; called at exit as well

EmbeddedRedis has the same three.
"""

from example_project.servers.errors import (
    DataFolderHeldError,
    EmbeddedServerError,
    ServerDidNotStartError,
    UnsupportedPlatformError,
)
from example_project.servers.postgres import EmbeddedPostgres
from example_project.servers.redis import EmbeddedRedis

__all__ = [
    "DataFolderHeldError",
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServerError",
    "ServerDidNotStartError",
    "UnsupportedPlatformError",
]
