# make demo   a bookshop with data, one example operation, then a page with what to try on http://127.0.0.1:8000/
# make test   the whole test suite, on a PostgreSQL and a Redis that it starts itself
# make fuzz   malformed requests, for as long as it is told: ARGS="--seconds 60 --seed 1"
# make soak   processes that write and read at random, no answer of which may be stale: ARGS="--seconds 600 --seed 1"
# make lint   style, types (also of the documentation, by mypy and, where node is, pyright) and migrations
# make docs   the documentation site, into .local/site; a link that leads nowhere fails
# make docs-serve  the same, served and built again whenever a page changes: ARGS="--dev-addr 127.0.0.1:8002"
# make docs-release VERSION=0.2  commits the site as this version, and as the latest, to the branch gh-pages
# make dist   builds sdist and wheel into dist/, and checks what they say of themselves
# make matrix installs them in clean environments, for each supported Python, Django and graphql-core, and tries them
#             in a small project; ARGS="--tags corners": the oldest and the newest; ARGS=--list: what there is
# make projects  declares and queries all models of wagtail, django-cms, Oscar and pretix: ARGS="pretix"
# make tutorial  follows docs/tutorial.md in an empty folder, word by word: ARGS="--keep shop"
# make bench  the endpoint beside SQL by hand, a constant view and other GraphQL servers; ARGS=--quick: in two minutes
# make bench-growth  how cost grows with answers, documents, schemas, clients and tables; ARGS=--quick: in two minutes
# make clean  forgets the environment and the demo's data
#
# DATABASE_URL and REDIS_URL name servers to use instead of the embedded ones.
# ARGS is handed on: make test ARGS="-k seed", make demo ARGS="--port 8001". The tests run in as many processes as
# there are processors; ARGS="-n0" runs them in one, as a debugger needs it.
# PYTHON names the Python to use, VENV the folder of its environment (.venv; .venv-bench for the benchmarks), DJANGO and
# GRAPHQL the versions in it:
#   make test PYTHON=python3.11 VENV=.venv-oldest DJANGO='django>=5.2,<5.3' GRAPHQL='graphql-core>=3.2,<3.3'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test fuzz soak lint docs docs-serve docs-release dist matrix bench bench-growth bench-servers projects tutorial clean

ARGS ?=
VENV ?= .venv
# The benchmarks have an environment of their own: the other GraphQL packages do not work with every graphql-core.
BENCH_VENV ?= $(if $(filter command environment,$(firstword $(origin VENV))),$(VENV),.venv-bench)
DJANGO ?=
GRAPHQL ?=
bin := $(VENV)/bin
pip := $(bin)/python -m pip --quiet --disable-pip-version-check
# the theme otherwise advertises its successor on each build
mkdocs := NO_MKDOCS_2_WARNING=1 PATH="$(abspath $(bin)):$$PATH" $(bin)
versions := $(if $(DJANGO),'$(DJANGO)') $(if $(GRAPHQL),'$(GRAPHQL)')

# A Python counts when it runs, is new enough and can make an environment: a shim may be there without its Python.
usable := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
candidates := $(or $(PYTHON),python3.12 python3.11 python3.13 python3)
no_python := No Python that works among: $(candidates). It takes 3.11 or newer with the venv module \
    (Debian and Ubuntu: apt install python3-venv); PYTHON=/path/to/python3 names another.

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/demo.stamp $(VENV)/graphiql.stamp
	@$(bin)/python manage.py demo $(ARGS)

test: $(VENV)/dev.stamp
	@$(bin)/python -m pytest --numprocesses=auto --dist=worksteal $(ARGS)

fuzz: $(VENV)/dev.stamp
	@$(bin)/python -m tests.fuzz $(ARGS)

soak: $(VENV)/dev.stamp
	@$(bin)/python -m tests.checker $(ARGS)

lint: $(VENV)/dev.stamp
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/python -m scripts.check_types
	@$(bin)/python manage.py makemigrations --check --dry-run
	@$(bin)/python manage.py fraiseql_makemigrations --check

docs: $(VENV)/dev.stamp
	@$(bin)/python -m scripts.reference --check
	@$(mkdocs)/mkdocs build --strict --quiet

docs-serve: $(VENV)/dev.stamp
	@$(mkdocs)/mkdocs serve $(ARGS)

# `git push origin gh-pages` then publishes it
docs-release: $(VENV)/dev.stamp
	@test -n '$(VERSION)' || { echo 'VERSION is missing: make docs-release VERSION=0.2' >&2; exit 1; }
	@$(mkdocs)/mike deploy --update-aliases $(VERSION) latest
	@$(mkdocs)/mike set-default latest

dist: $(VENV)/dev.stamp
	@rm -rf dist
	@$(bin)/python -m build --installer uv .
	@$(bin)/python -m twine check --strict dist/*

matrix: dist
	@$(bin)/nox $(ARGS)

bench: $(BENCH_VENV)/bench.stamp
	@$(BENCH_VENV)/bin/python manage.py demo --once >/dev/null
	@$(BENCH_VENV)/bin/python -m benchmarks $(ARGS)

bench-growth: $(BENCH_VENV)/bench.stamp
	@$(BENCH_VENV)/bin/python manage.py demo --once >/dev/null
	@$(BENCH_VENV)/bin/python -m benchmarks.growth $(ARGS)

bench-servers: $(VENV)/dev.stamp
	@$(bin)/python -m benchmarks.servers $(ARGS)

projects: $(VENV)/dev.stamp
	@$(bin)/python -m scripts.declare_projects $(ARGS)

tutorial: $(VENV)/dev.stamp
	@$(bin)/python -m scripts.tutorial $(ARGS)

clean:
	@rm -rf $(VENV) $(BENCH_VENV) .local .nox build dist graphiql/node_modules graphiql/fraiseql_django_graphiql/static

$(sort $(bin)/python $(BENCH_VENV)/bin/python):
	@for python in $(candidates); do \
		if "$$python" -c '$(usable)' >/dev/null 2>&1; then exec "$$python" -m venv --clear $(patsubst %/bin/python,%,$@); fi; \
	done; echo '$(no_python)' >&2; exit 1

# Dependency groups came with pip 25.1, so pip goes first. What dev installs contains what demo installs.
$(VENV)/demo.stamp: pyproject.toml | $(bin)/python
	@echo 'Installing into $(VENV) …'
	@$(pip) install --upgrade 'pip>=25.1'
	@$(pip) install --editable . --group demo $(versions)
	@touch $@

# Without node, or if npm cannot install, GraphiQL's files come from a CDN, and the page says what else can be done.
$(VENV)/graphiql.stamp: $(wildcard graphiql/*.* graphiql/src/*.*) | $(VENV)/demo.stamp
	@if command -v npm >/dev/null 2>&1; then \
		echo 'Making the files of GraphiQL …'; mkdir -p .local; \
		$(pip) install ./graphiql >.local/graphiql.log 2>&1 || echo 'They could not be made: see .local/graphiql.log'; \
	fi
	@touch $@

$(BENCH_VENV)/bench.stamp: pyproject.toml | $(BENCH_VENV)/bin/python
	@echo 'Installing into $(BENCH_VENV) …'
	@$(BENCH_VENV)/bin/python -m pip --quiet --disable-pip-version-check install --upgrade 'pip>=25.1'
	@$(BENCH_VENV)/bin/python -m pip --quiet --disable-pip-version-check install --editable . --group bench
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(bin)/python
	@echo 'Installing into $(VENV) …'
	@$(pip) install --upgrade 'pip>=25.1'
	@$(pip) install --editable . --group dev $(versions)
	@touch $@ $(VENV)/demo.stamp
