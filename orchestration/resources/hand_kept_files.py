"""The files that a person keeps by hand, for assets."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.settings import Settings


class HandKeptFilesResource(dg.ConfigurableResource[Any]):
    """Contract terms and invoices. Reads the environment when it is used, as the others do."""

    @cached_property
    def _settings(self) -> Settings:
        return Settings.from_environment(os.environ)

    @property
    def contracts(self) -> Path | None:
        """The contracts file; None without one.

        Raises:
            SettingsError: a variable names a file that does not exist.
        """
        return self._settings.contracts_file

    @property
    def invoices(self) -> Path | None:
        """The invoices file; None without one.

        Raises:
            SettingsError: a variable names a file that does not exist.
        """
        return self._settings.invoices_file
