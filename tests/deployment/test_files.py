"""The files in deploy/: valid by the schemas of their tools, and consistent with each other and with the page."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.http import HttpRequest, HttpResponse
from dockerfile_parse import DockerfileParser
from ruamel.yaml import YAML

from deploy.middleware import real_address
from tests.deployment.stack import ALIVE, COMPOSE, DEPLOY, HEALTH, SERVERS, options, variables
from tests.support import do_without

YAMLS: Any = YAML(typ="safe")
KUBERNETES: Any = YAMLS.load((DEPLOY / "kubernetes.yaml").read_text())
POD = KUBERNETES["spec"]["template"]["spec"]
PAGE = (DEPLOY.parent / "docs" / "deployment.md").read_text()


def named(file: str, pattern: str) -> int:
    """Return the number that a file gives to a name."""
    (found,) = re.findall(pattern + r"\D*?(\d+)", (DEPLOY / file).read_text(), re.MULTILINE)
    return int(found)


def test_compose_file_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(DEPLOY / "compose.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        for config in service.get("configs", []):
            assert config["source"] in COMPOSE["configs"]
        # a service that is waited for until it is healthy says how that is seen; the image of the Dockerfile does
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[name] or "build" in services[name]
    for config in COMPOSE["configs"].values():
        assert "content" in config or (DEPLOY / config["file"]).is_file()
    build = services["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_environment_of_the_containers_is_what_the_settings_read() -> None:
    files = [DEPLOY / "settings.py", DEPLOY / "gunicorn.conf.py", DEPLOY.parent / "example_project" / "settings.py"]
    read = {name for path in files for name in re.findall(r'os\.environ(?:\[|\.get\()"(\w+)"', path.read_text())}
    written = set(COMPOSE["services"]["web"]["environment"])

    assert written <= read
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"} <= written
    assert {item["name"] for item in POD["containers"][0]["env"]} <= read


def test_connections_fit_into_each_other() -> None:
    environment = COMPOSE["services"]["web"]["environment"]
    threads = int(environment["WEB_CONCURRENCY"]) * int(environment["THREADS"])
    pool_size = named("pgbouncer.ini", "pool_size=")
    statements = int(environment["WEB_CONCURRENCY"]) * named("settings.py", '"CONCURRENT_STATEMENTS":')

    # a release beside the one that it replaces
    assert 2 * threads <= named("pgbouncer.ini", "^max_client_conn =")
    assert statements <= pool_size
    # PostgreSQL reserves three; ten for migrations, monitoring, backups and watchers
    assert pool_size + 10 <= int(options("db", "-c")["max_connections"]) - 3
    for file, workers, each in (
        ("uvicorn.env", "WEB_CONCURRENCY", "DATABASE_POOL"),
        ("granian.env", "GRANIAN_WORKERS", "GRANIAN_BLOCKING_THREADS"),
    ):
        assert int(variables(file)[workers]) * int(variables(file)[each]) == threads


def test_what_waits_for_something_waits_longer_than_that_takes() -> None:
    statement = named("settings.py", '"STATEMENT_MS":') / 1000
    waiting = named("settings.py", '"WAIT_MS":') / 1000
    graceful = named("gunicorn.conf.py", "^graceful_timeout =")
    granian, uvicorn = variables("granian.env"), variables("uvicorn.env")

    assert named("settings.py", '"CONCURRENT_STATEMENTS":') < int(COMPOSE["services"]["web"]["environment"]["THREADS"])
    # statements of a request: those that it waits for, and its own
    request = waiting + 2 * statement
    assert named("pgbouncer.ini", "^query_wait_timeout =") > statement
    for seconds in (
        graceful,
        named("nginx.conf", "proxy_read_timeout"),
        int(granian["GRANIAN_WORKERS_KILL_TIMEOUT"]),
        int(uvicorn["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]),
    ):
        assert seconds > request
    # a proxy never sends into a connection that is being closed
    kept = named("nginx.conf", "keepalive_timeout")
    assert kept < named("gunicorn.conf.py", "^keepalive =")
    assert kept < int(uvicorn["UVICORN_TIMEOUT_KEEP_ALIVE"])
    # nobody is killed before the end of that
    assert int(COMPOSE["services"]["web"]["stop_grace_period"].removesuffix("s")) > graceful
    assert named("shop.service", "^TimeoutStopSec=") > graceful
    (container,) = POD["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] > pause + graceful


def test_probes_of_kubernetes_are_those_of_the_package() -> None:
    (container,) = POD["containers"]
    commands = {name: container[f"{name}Probe"]["exec"]["command"] for name in ("startup", "readiness", "liveness")}

    assert commands["startup"] == ["python", "-m", "deploy.probe", HEALTH]
    assert commands["readiness"] == commands["liveness"] == ["python", "-m", "deploy.probe"]
    assert f'ALIVE = "{ALIVE}"' in (DEPLOY / "probe.py").read_text()
    assert POD["securityContext"]["runAsUser"] == named("Dockerfile", "^USER ")


def test_image_is_made_as_it_should() -> None:
    steps = DockerfileParser(str(DEPLOY / "Dockerfile")).structure
    stages = [step["value"] for step in steps if step["instruction"] == "FROM"]
    last = steps[max(i for i, step in enumerate(steps) if step["instruction"] == "FROM") :]
    instructions = [step["instruction"] for step in last]

    # a compiler of the first stage is not in the image
    assert len(stages) == 2
    # versions are named
    assert all(":" in stage and "latest" not in stage for stage in stages)
    assert instructions.index("USER") < instructions.index("CMD")
    assert instructions.count("CMD") == 1
    # as lists: a shell would not hand SIGTERM on
    for name in ("CMD", "HEALTHCHECK"):
        (value,) = (step["value"] for step in last if step["instruction"] == name)
        assert isinstance(json.loads(value[value.index("[") :]), list)
    for step in steps:
        if step["instruction"] == "COPY" and "--from" not in step["value"]:
            *sources, _ = shlex.split(step["value"])
            assert all((DEPLOY.parent / source).exists() for source in sources), step["value"]
        assert step["instruction"] != "ADD"
    assert "# syntax=" in (DEPLOY / "Dockerfile").read_text().splitlines()[0]


def test_unit_of_systemd_is_valid(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze") or do_without("systemd is not installed")
    text = (DEPLOY / "shop.service").read_text()
    for place in ("/srv/shop/.venv/bin/gunicorn", "/srv/shop\n"):
        assert place in text
    # which must be there; so must the account
    text = text.replace("/srv/shop/.venv/bin/gunicorn", sys.executable).replace("/srv/shop\n", f"{tmp_path}\n")
    (tmp_path / "shop.service").write_text(text.replace("User=shop", "User=root"))

    done = subprocess.run([program, "verify", tmp_path / "shop.service"], capture_output=True, text=True, check=False)

    complaints = [line for line in done.stderr.splitlines() if "shop.service" in line]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
    ],
    ids=["by the proxy", "by a client", "through a socket", "without the header"],
)
def test_address_of_the_client_is_what_a_trusted_proxy_says(
    settings: Any, peer: str, header: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": peer} | ({"HTTP_X_REAL_IP": header} if header else {})

    real_address(lambda request: HttpResponse())(request)

    assert request.META["REMOTE_ADDR"] == expected


def test_network_that_is_none_is_refused_at_start(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["the proxy"]

    with pytest.raises(ValueError, match="'the proxy' does not appear to be an IPv4 or IPv6 network"):
        real_address(lambda request: HttpResponse())


def blocks(language: str) -> str:
    """Return the examples of the page in a language."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


def test_commands_of_the_page_are_those_that_are_tested() -> None:
    shown = [line.removeprefix("$ ") for line in blocks("console").splitlines()]
    tested = []
    for name, server in SERVERS.items():
        command, _ = server(8000)
        line = shlex.join([name, *(part.removeprefix(f"{DEPLOY.parent}/") for part in command[1:])])
        tested.append(line if name == "gunicorn" else f"env $(grep -v '^#' deploy/{name}.env) {line}")

    assert tested[0] == shlex.join(json.loads(DockerfileParser(str(DEPLOY / "Dockerfile")).cmd))
    assert set(tested) < set(shown)
    (compose,) = (line for line in shown if line.startswith("docker compose"))
    assert (DEPLOY.parent / shlex.split(compose)[3]).samefile(DEPLOY / "compose.yaml")


def test_probes_of_the_page_are_those_of_kubernetes() -> None:
    (container,) = POD["containers"]

    for name, probe in YAMLS.load(blocks("yaml")).items():
        assert probe.items() <= container[name].items()


def test_page_names_every_file_and_commands_that_exist() -> None:
    files = {path.name for path in DEPLOY.iterdir() if path.is_file() and path.name != "__init__.py"}
    assert [name for name in sorted(files) if f"deploy/{name}" not in PAGE] == []
    for command in re.findall(r"manage\.py (\w+)", PAGE):
        assert command in get_commands(), command
    for variable in re.findall(r"^([A-Z_]+)  ", (DEPLOY / "settings.py").read_text(), re.MULTILINE):
        assert f"`{variable}`" in PAGE, variable
