"""A client of pyright's language server, as an editor is one: it opens documents and asks for completions."""

import json
import subprocess
from pathlib import Path
from typing import Any


class LanguageServer:
    """A server over a folder, which runs in a ``with`` block (Language Server Protocol, 3.17)."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            ["node", program, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._last = 0

    def __enter__(self) -> "LanguageServer":
        root = {"uri": self.folder.as_uri(), "name": self.folder.name}
        capabilities = {"workspace": {"configuration": True}}
        self.request(
            "initialize",
            {"processId": None, "rootUri": root["uri"], "workspaceFolders": [root], "capabilities": capabilities},
        )
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(self, *_: object) -> None:
        # closes the pipes, too
        with self._process:
            self._process.kill()

    def completions(self, path: Path, text: str) -> set[str]:
        """Return what is offered where ``|`` stands in a document that is open, and not saved."""
        before, _, after = text.partition("|")
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": before + after}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        answer = self.request(
            "textDocument/completion", {"textDocument": {"uri": document["uri"]}, "position": position}
        )
        self._send({"method": "textDocument/didClose", "params": {"textDocument": {"uri": document["uri"]}}})
        return {item["label"] for item in answer["items"]}

    def request(self, method: str, params: Any) -> Any:
        """Send a request, and return its result; answer what the server asks meanwhile."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                asked = message["params"]["items"] if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": None if asked is None else [None] * len(asked)})
            elif message.get("id") == self._last:
                assert "error" not in message, message
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> Any:
        stdout = self._process.stdout
        assert stdout is not None
        length = 0
        while (line := stdout.readline()).strip():
            name, _, value = line.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
        assert length, "the language server has ended"
        return json.loads(stdout.read(length))
