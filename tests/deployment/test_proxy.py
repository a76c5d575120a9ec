"""nginx by its file, before gunicorn by its own: addresses of clients, and a reload with connections that are kept."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from tests.deployment.stack import (
    ALIVE,
    DEPLOY,
    HEADERS,
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


def test_clients_behind_the_proxy_are_told_apart_by_what_it_says_and_a_reload_fails_none(shop: Stack) -> None:
    with serving(shop, gunicorn) as web, nginx(web) as proxy:
        with Clients(lambda: proxy.get(ALIVE)[0]) as clients:
            web.signal(signal.SIGHUP)
            wait_until(lambda: "Worker exiting" in web.log.read_text(), "the end of the former workers")
            clients.some_more(40)
        # the window of LIMITS.RATE may have been used up: all of them are one client
        assert set(clients.counted) <= {200, 429}
        assert clients.counted[200] >= 10

        # a client that writes the header itself is nobody else by it
        def status(address: str) -> int:
            return proxy.get(ALIVE, **{"X-Real-IP": address})[0]

        found = [status(f"198.51.100.{number % 250}") for number in range(700)]
        assert 429 in found
        # past the proxy, which is trusted, the header counts
        assert web.get(ALIVE, **{"X-Real-IP": "198.51.100.7"})[0] == 200


def test_body_that_no_operation_has_stops_at_the_proxy(shop: Stack) -> None:
    with serving(shop, gunicorn) as web, nginx(web) as proxy:
        connection = HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        headers = {**HEADERS, "Content-Type": "application/json", "Content-Length": str(11 * 1024 * 1024)}
        connection.putrequest("POST", "/graphql/", skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
