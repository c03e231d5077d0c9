"""TLS on a real connection, under certificates of the tests' own authority: verified always."""

import datetime as dt
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from orchestration.spacelift.aspects import WORKER_COUNT
from orchestration.spacelift.auth import ApiKey
from orchestration.spacelift.client import SpaceliftClient
from orchestration.spacelift.errors import SpaceliftRejectedError
from tests.pipeline.faulty_spacelift import KEY_ID, KEY_SECRET, FaultySpacelift, faulty_spacelift, file_of

DAY, AFTER = dt.date(2024, 2, 29), dt.date(2024, 3, 1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@contextmanager
def spacelift_with(certificate: trustme.LeafCert) -> Iterator[FaultySpacelift]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    with faulty_spacelift(tls) as server:
        yield server


def download(server: FaultySpacelift, *, ca_bundle: Path | None) -> bytes:
    key = ApiKey(id=KEY_ID, secret=KEY_SECRET)
    with (
        SpaceliftClient(endpoint=server.endpoint, credentials=key, ca_bundle=ca_bundle) as client,
        client.open_usage_csv(WORKER_COUNT, since=DAY, until=AFTER) as blocks,
    ):
        return b"".join(blocks)


def test_a_private_authority_is_trusted_once_its_certificate_is_named(authority, ca_bundle):
    with spacelift_with(authority.issue_cert("127.0.0.1")) as server:
        assert download(server, ca_bundle=ca_bundle) == file_of("worker-count", since=DAY, until=AFTER)


def test_an_authority_that_is_not_named_is_refused_before_anything_secret_is_sent(authority):
    with spacelift_with(authority.issue_cert("127.0.0.1")) as server:
        with pytest.raises(SpaceliftRejectedError, match=r"is not trusted: .*SPACELIFT_CA_BUNDLE"):
            download(server, ca_bundle=None)
        assert server.exchanges == 0


@pytest.mark.parametrize(
    ("host", "ended_at", "words"),
    [
        pytest.param("acme.app.spacelift.io", None, "not valid for", id="of another host"),
        pytest.param(
            "127.0.0.1", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "certificate has expired", id="expired"
        ),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused_although_its_authority_is_trusted(
    authority, ca_bundle, host, ended_at, words
):
    certificate = authority.issue_cert(
        host, not_before=dt.datetime(2023, 1, 1, tzinfo=dt.UTC), not_after=ended_at
    )
    with spacelift_with(certificate) as server:
        with pytest.raises(SpaceliftRejectedError, match=words):
            download(server, ca_bundle=ca_bundle)
        assert server.exchanges == 0
