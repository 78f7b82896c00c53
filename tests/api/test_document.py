"""The OpenAPI document and its pages: valid, complete, without a foreign host."""

import re

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.client import PREFIX, Client


def document(shared_client: Client):
    return shared_client.app.test_client().get("/api/openapi.json").get_json()


def test_the_openapi_document_is_valid(shared_client: Client):
    found = document(shared_client)

    assert found["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(found).iter_errors()] == []


def test_every_route_stands_in_the_document(shared_client: Client):
    known = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule): rule.methods & {"GET", "POST"}
        for rule in shared_client.app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
    }

    paths = document(shared_client)["paths"]

    assert set(known) == set(paths)
    for path, methods in known.items():
        assert {name.upper() for name in paths[path]} >= methods


def test_what_needs_a_token_says_so(shared_client: Client):
    paths = document(shared_client)["paths"]

    assert paths["/api/v1/cases"]["post"]["security"] == [{"development": []}]
    assert paths["/api/v1/publicities"]["get"]["security"] == []
    names = {
        each["name"] for each in paths["/api/v1/cases/{public_id}/events"]["post"]["parameters"]
    }
    assert {"Idempotency-Key", "If-Match"} <= names


def test_errors_are_documented_as_problem_documents(shared_client: Client):
    found = document(shared_client)

    default = found["paths"]["/api/v1/cases"]["post"]["responses"]["default"]
    assert default == {"$ref": "#/components/responses/DEFAULT_ERROR"}
    content = found["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(content) == ["application/problem+json"]


def test_the_documentation_comes_from_this_house_alone(shared_client: Client):
    with shared_client.app.test_client() as browser:
        page = browser.get("/api/docs", follow_redirects=True)
        assert page.status_code == 200
        text = page.get_data(as_text=True)
        assets = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert len(assets) >= 4
        assert all(each.startswith("/api/docs/") for each in assets)
        assert '"url": "/api/openapi.json"' in text
        for asset in assets:
            with browser.get(asset) as answer:
                assert answer.status_code == 200
                assert len(answer.data) > 100
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
