"""The OpenAPI document and its pages: valid, complete, without a foreign host."""

import re
from collections import Counter

import pytest
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import openapi_v31_schema_validator
from referencing.jsonschema import DRAFT202012

from tests.api.client import PREFIX, Client

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(shared_client: Client):
    return shared_client.app.test_client().get("/api/openapi.json").get_json()


def judge() -> Draft202012Validator:
    """The schema of OpenAPI 3.1, whose anchors are looked for once and not at every reference."""
    schema = dict(openapi_v31_schema_validator.schema)
    known = REGISTRY.with_resource(schema["$id"], DRAFT202012.create_resource(schema)).crawl()
    return Draft202012Validator({"$ref": schema["$id"]}, registry=known)


def test_the_openapi_document_is_valid(document):
    assert document["openapi"] == "3.1.0"
    assert [str(error) for error in judge().iter_errors(document)] == []
    wrong = {**document, "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    assert [list(error.path)[-1] for error in judge().iter_errors(wrong)] == ["200"]


@pytest.mark.soak
def test_the_openapi_document_is_valid_in_every_keyword(document):
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_has_its_own_name_and_tells_what_stands_in_its_path(document):
    names: Counter[str] = Counter()
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS & set(item):
            names[item[method].get("operationId", f"{method} {path}")] += 1
            told = {
                each["name"]
                for each in (*shared, *item[method].get("parameters", []))
                if each.get("in") == "path"
            }
            assert told == set(re.findall(r"{(\w+)}", path)), (method, path)

    assert [name for name, count in names.items() if count > 1] == []


def test_every_route_stands_in_the_document(shared_client: Client, document):
    known = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule): rule.methods & {"GET", "POST"}
        for rule in shared_client.app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
    }

    paths = document["paths"]

    assert set(known) == set(paths)
    for path, methods in known.items():
        assert {name.upper() for name in paths[path]} >= methods


def test_what_needs_a_token_says_so(document):
    paths = document["paths"]

    assert paths["/api/v1/cases"]["post"]["security"] == [{"development": []}]
    assert paths["/api/v1/publicities"]["get"]["security"] == []
    names = {
        each["name"] for each in paths["/api/v1/cases/{public_id}/events"]["post"]["parameters"]
    }
    assert {"Idempotency-Key", "If-Match"} <= names


def test_errors_are_documented_as_problem_documents(document):
    default = document["paths"]["/api/v1/cases"]["post"]["responses"]["default"]
    assert default == {"$ref": "#/components/responses/DEFAULT_ERROR"}
    content = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
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
