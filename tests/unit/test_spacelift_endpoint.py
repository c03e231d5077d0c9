"""Which Spacelift is meant, as people write it and as a token names it."""

import base64
import json

import pytest

from orchestration.spacelift.endpoint import account_of_endpoint, endpoint_of_token, normalise_endpoint
from orchestration.spacelift.errors import SpaceliftRejectedError


def jwt(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("https://acme.app.spacelift.io", "https://acme.app.spacelift.io"),
        ("https://acme.app.spacelift.io/", "https://acme.app.spacelift.io"),
        ("https://acme.app.spacelift.io/graphql", "https://acme.app.spacelift.io"),
        (" https://acme.app.spacelift.io/graphql/ \n", "https://acme.app.spacelift.io"),
        ("acme.app.spacelift.io", "https://acme.app.spacelift.io"),
        ("HTTPS://Acme.App.Spacelift.io", "https://acme.app.spacelift.io"),
        ("spacelift.internal:8443", "https://spacelift.internal:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/graphql", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_endpoint_is_the_same_however_it_is_written(written, endpoint):
    assert normalise_endpoint(written) == endpoint


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "expected https://<account>"),
        ("ftp://acme.app.spacelift.io", "not a Spacelift endpoint"),
        ("https://acme.app.spacelift.io/stack/api", "has a path"),
        ("http://acme.app.spacelift.io", "use https"),
        ("http://localhost.example.com", "use https"),
        ("http://127.0.0.1.example.com", "use https"),
        ("https://acme.app.spacelift.io:port", "not a Spacelift endpoint"),
        ("https://user:s3cr3t@acme.app.spacelift.io", "more than a host name"),
        ("https://acme.app.spacelift.io?token=s3cr3t", "more than a host name"),
    ],
)
def test_what_is_no_endpoint_is_refused_in_one_line_without_secrets(written, words):
    with pytest.raises(SpaceliftRejectedError, match=words) as raised:
        normalise_endpoint(written)
    assert "s3cr3t" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_account_is_named_by_the_host():
    assert account_of_endpoint("https://acme.app.spacelift.io/graphql") == "acme.app.spacelift.io"


@pytest.mark.parametrize("audience", ["https://acme.app.spacelift.io", ["https://acme.app.spacelift.io"]])
def test_a_token_names_its_endpoint(audience):
    assert endpoint_of_token(jwt({"aud": audience})) == "https://acme.app.spacelift.io"


@pytest.mark.parametrize("token", ["", "no-jwt", "a.!!!.b", jwt([1]), jwt({}), jwt({"aud": ["a", "b"]})])
def test_a_token_without_one_account_is_refused_without_quoting_it(token):
    with pytest.raises(SpaceliftRejectedError, match="Spacelift token") as raised:
        endpoint_of_token(token)
    assert token == "" or token not in str(raised.value)
