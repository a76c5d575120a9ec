"""The connection that brings its server along."""

from functools import cache
from pathlib import Path
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql import base

from example_project.servers import EmbeddedPostgres, EmbeddedServerError

server = cache(EmbeddedPostgres)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the server whose data folder the database's settings name in DATA_FOLDER."""

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server before the first connection; settings alone start nothing."""
        try:
            server(Path(self.settings_dict["DATA_FOLDER"])).start()
        except EmbeddedServerError as error:
            raise OperationalError(str(error)) from error
        return super().get_connection_params()
