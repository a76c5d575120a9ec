"""The benchmark measures the same answers, and the page on performance shows the data of its run."""

import json
import re
from dataclasses import replace

import pytest
from django.test import RequestFactory

from benchmarks import report
from benchmarks.sides import MODULES, TITLES, limit
from benchmarks.workloads import WORKLOADS, Workload
from fraiseql_django import get_engine

PAGE = report.PAGE.read_text(encoding="utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_sql_by_hand_gives_the_answer_of_the_endpoint(bookshop: object, workload: Workload) -> None:
    # the small bookshop of the tests has no book with a higher key
    given = {**workload.variables, "id": "7"} if "id" in workload.variables else workload.variables
    asked = replace(workload, variables=given)
    body = json.dumps({"query": asked.query, "variables": given})
    request = RequestFactory().post("/", body, content_type="application/json")

    by_hand = json.loads(limit.view(asked)(request).content)

    assert by_hand == json.loads(get_engine().execute(asked.query, given).body)
    assert by_hand["data"][asked.root]


def test_every_side_has_a_title() -> None:
    assert list(MODULES) == list(TITLES)


def test_page_shows_the_tables_of_the_committed_results() -> None:
    assert report.page(PAGE, report.results()) == PAGE


def test_page_has_every_table_and_every_plot() -> None:
    assert set(re.findall(r"<!-- ([\w-]+) -->", PAGE)) == set(report.TABLES)
    shown = set(re.findall(r"\(performance/([\w-]+\.svg)\)", PAGE))
    assert shown == {path.name for path in report.DATA.glob("*.svg")}
