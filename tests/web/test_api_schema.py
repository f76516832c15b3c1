from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from road_store import make, served

HOSTILE = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    store, network = make(tmp_path_factory.mktemp("schema") / "store")
    with served(store, network) as client:
        yield schemathesis.openapi.from_url(str(client.base_url.join("/openapi.json")))


def test_no_input_breaks_the_server(described):
    asked = 0
    for result in described.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @HOSTILE
        def answered(case):
            nonlocal asked
            asked += 1
            response = case.call()
            assert response.status_code < 500, f"{case.as_curl_command()}: {response.text}"

        answered()
    assert asked > 200
