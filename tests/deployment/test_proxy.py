"""nginx by its file, before gunicorn by its own: addresses of clients, and a reload with connections that are kept."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from tests.deployment.stack import (
    ALIVE,
    DEPLOY,
    HEADERS,
    HEALTH,
    Clients,
    Stack,
    Web,
    free_port,
    gunicorn,
    listens,
    serving,
    wait_until,
)
from tests.servers import folder
from tests.support import do_without

MAIN = """
pid {folder}/pid;
daemon off;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/default.conf;
}}
"""


@contextmanager
def nginx(web: Web) -> Iterator[Web]:
    """Start nginx before a web server; only addresses and ports are others than in the file."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or do_without("nginx is not installed")
    port = free_port()
    with folder("nginx") as made:
        text = (DEPLOY / "nginx.conf").read_text()
        for place, own in (("web:8000", f"127.0.0.1:{web.port}"), ("listen 8000", f"listen 127.0.0.1:{port}")):
            assert place in text, place
            text = text.replace(place, own)
        (made / "default.conf").write_text(text)
        (made / "nginx.conf").write_text(MAIN.format(folder=made))
        log = made / "log"
        with log.open("w") as file:
            process = subprocess.Popen([program, "-c", made / "nginx.conf"], stderr=file, text=True)
        try:
            wait_until(lambda: listens(port) or process.poll() is not None, "nginx")
            assert process.poll() is None, log.read_text()
            yield Web(port, process, log)
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def served(shop: Stack) -> Iterator[tuple[Web, Web]]:
    """Start gunicorn, and nginx before it."""
    with serving(shop, gunicorn) as web, nginx(web) as proxy:
        yield web, proxy


def test_reload_fails_no_client_of_the_proxy(served: tuple[Web, Web]) -> None:
    web, proxy = served
    with Clients(lambda: proxy.get(ALIVE)[0]) as clients:
        web.signal(signal.SIGHUP)
        wait_until(lambda: web.log.read_text().count("Worker exiting") >= 2, "the end of the former workers")
        clients.some_more(40)

    # all of them have one address, whose rate may be used up
    assert set(clients.counted) <= {200, 429}
    assert clients.counted[200] >= 10


def test_client_cannot_choose_the_address_that_it_is_counted_by(served: tuple[Web, Web]) -> None:
    web, proxy = served

    def address(server: Web, path: str) -> str:
        server.get(path, **{"X-Real-IP": "198.51.100.7"})
        wait_until(lambda: path in web.log.read_text(), "the log")
        (found,) = re.findall(rf'(\S+) - - \[.*?\] "GET {re.escape(path)} ', web.log.read_text())
        return str(found)

    # by the proxy, which writes its own header; and by the proxy's address, which is trusted
    assert address(proxy, f"{HEALTH}?through") == "127.0.0.1"
    assert address(web, f"{HEALTH}?directly") == "198.51.100.7"


def test_body_that_no_operation_has_stops_at_the_proxy(served: tuple[Web, Web]) -> None:
    _, proxy = served
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    connection.putrequest("POST", "/graphql/", skip_host=True)
    for name, value in {**HEADERS, "Content-Length": str(11 * 1024 * 1024)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
