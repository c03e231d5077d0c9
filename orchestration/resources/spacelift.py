"""The vendor's usage export and the archive of what it sent, for assets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.landing.archive import Archive
from orchestration.settings import (
    ACCOUNT,
    ENDPOINT,
    KEY_ID,
    KEY_SECRET,
    TOKEN,
    Settings,
    SettingsError,
)
from orchestration.spacelift.auth import ApiKey, ReadyToken
from orchestration.spacelift.client import SpaceliftClient


class SpaceliftResource(dg.ConfigurableResource[Any]):
    """One account. Reads the environment when it is used, so that no run config holds a secret."""

    @cached_property
    def _settings(self) -> Settings:
        return Settings.from_environment(os.environ)

    @property
    def account(self) -> str:
        """The account's name in the warehouse.

        Raises:
            SettingsError: nothing names it.
        """
        if self._settings.account is None:
            raise SettingsError(f"no Spacelift account is configured: set {ENDPOINT}, or {ACCOUNT}")
        return self._settings.account

    @property
    def archive(self) -> Archive:
        """Where the downloaded bytes are kept."""
        return Archive(self._settings.archive_url)

    def where_to_send(self) -> str:
        """The base URL that a self-hosted instance's reports may be sent to.

        Raises:
            SettingsError: the instance reports by itself, or nothing says where to.
        """
        return self._settings.where_to_send()

    @property
    def ca_bundle(self) -> Path | None:
        """One more certificate authority."""
        return self._settings.ca_bundle

    @contextmanager
    def client(self) -> Iterator[SpaceliftClient]:
        """A client that is closed at the end.

        Raises:
            SettingsError: no credentials are configured.
        """
        with spacelift_client(self._settings) as client:
            yield client


def spacelift_client(settings: Settings) -> SpaceliftClient:
    """A client of the configured account.

    Raises:
        SettingsError: no credentials are configured.
    """
    credentials: ApiKey | ReadyToken
    if settings.endpoint and settings.token:
        credentials = ReadyToken(jwt=settings.token)
    elif settings.endpoint and settings.key_id and settings.key_secret:
        credentials = ApiKey(id=settings.key_id, secret=settings.key_secret)
    else:
        raise SettingsError(
            f"no Spacelift credentials are configured: set {ENDPOINT}, {KEY_ID} and {KEY_SECRET}, or {TOKEN}"
        )
    return SpaceliftClient(
        endpoint=settings.endpoint,
        credentials=credentials,
        group_by=settings.group_by,
        ca_bundle=settings.ca_bundle,
    )
