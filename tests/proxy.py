"""A proxy before PostgreSQL that can swallow what it is given, as a network does whose cable was pulled."""

import selectors
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connections


class Proxy:
    """Listens on a socket of its own and passes bytes on, unless ``swallows`` is set."""

    def __init__(self) -> None:
        self.swallows = False
        self._ended = False

    def __enter__(self) -> "Proxy":
        self.folder = Path(tempfile.mkdtemp(prefix="proxy-", dir="/tmp"))
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listening.listen()
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join(60)
        self._listening.close()
        shutil.rmtree(self.folder)

    @contextmanager
    def as_alias(self, alias: str) -> Iterator[None]:
        """Let an alias lead through the proxy to the database of ``default``, in threads to come."""
        usual = {**connections.settings[alias], **connections["default"].settings_dict}
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(connections.settings, alias, {**usual, "HOST": str(self.folder), "PORT": "5432"})
            yield

    def _run(self) -> None:
        pairs: dict[Any, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            while not self._ended:
                for key, _ in selector.select(0.05):
                    source: Any = key.fileobj
                    if self.swallows:
                        # what was sent stays in the socket, and what connects has no answer
                        selector.select(0.01)
                    elif source is self._listening:
                        pairs |= self._accept(selector)
                    else:
                        self._pass_on(selector, source, pairs)
        for each in set(pairs):
            each.close()

    def _accept(self, selector: Any) -> dict[Any, socket.socket]:
        client, _ = self._listening.accept()
        server = socket.socket(socket.AF_UNIX)
        settings = connections["default"].settings_dict
        server.connect(f"{settings['HOST']}/.s.PGSQL.{settings['PORT'] or 5432}")
        for each in (client, server):
            selector.register(each, selectors.EVENT_READ)
        return {client: server, server: client}

    def _pass_on(self, selector: Any, source: Any, pairs: dict[Any, socket.socket]) -> None:
        with suppress(OSError):
            if sent := source.recv(65536):
                pairs[source].sendall(sent)
                return
        for each in (source, pairs[source]):
            with suppress(KeyError, ValueError):
                selector.unregister(each)
            each.close()
