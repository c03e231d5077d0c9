"""Everything that can be configured, each variable's name once.

Here: reading and checking the environment. Not here: reading `.env` and choosing the demo (environment.py),
reaching what the variables name (resources/). An empty variable counts as unset.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from orchestration.spacelift.endpoint import (
    account_of_endpoint,
    endpoint_of_token,
    is_loopback,
    normalise_endpoint,
)
from orchestration.spacelift.errors import SpaceliftRejectedError

ENDPOINT = "SPACELIFT_API_KEY_ENDPOINT"
KEY_ID = "SPACELIFT_API_KEY_ID"
KEY_SECRET = "SPACELIFT_API_KEY_SECRET"  # noqa: S105 - a variable's name
TOKEN = "SPACELIFT_API_TOKEN"  # noqa: S105 - a variable's name
ACCOUNT = "SPACELIFT_ACCOUNT"
CA_BUNDLE = "SPACELIFT_CA_BUNDLE"
CONTRACTS_FILE = "USAGE_CONTRACTS_FILE"
INVOICES_FILE = "USAGE_INVOICES_FILE"
DATABASE_URL = "DATABASE_URL"
HOME = "USAGE_HOME"
START_DATE = "USAGE_START_DATE"
END_DATE = "USAGE_END_DATE"
LOOKBACK_DAYS = "USAGE_LOOKBACK_DAYS"
GROUP_BY = "USAGE_GROUP_BY"
ARCHIVE_URL = "USAGE_ARCHIVE_URL"
WEBHOOK_URL = "USAGE_WEBHOOK_URL"
DROP_FOLDER = "USAGE_DROP_FOLDER"
ELASTICSEARCH_URL = "ELASTICSEARCH_URL"
ELASTICSEARCH_API_KEY = "ELASTICSEARCH_API_KEY"
ELASTICSEARCH_USERNAME = "ELASTICSEARCH_USERNAME"
ELASTICSEARCH_PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name
REPORTING = "USAGE_REPORTING"
PUBLIC_API = "SPACELIFT_PUBLIC_API"

VARIABLES = (
    ENDPOINT,
    KEY_ID,
    KEY_SECRET,
    TOKEN,
    ACCOUNT,
    CA_BUNDLE,
    CONTRACTS_FILE,
    INVOICES_FILE,
    DATABASE_URL,
    HOME,
    START_DATE,
    END_DATE,
    LOOKBACK_DAYS,
    GROUP_BY,
    ARCHIVE_URL,
    WEBHOOK_URL,
    DROP_FOLDER,
    ELASTICSEARCH_URL,
    ELASTICSEARCH_API_KEY,
    ELASTICSEARCH_USERNAME,
    ELASTICSEARCH_PASSWORD,
    REPORTING,
    PUBLIC_API,
)

# Those that let somebody in; only their names may be shown.
SECRET_VARIABLES = (
    KEY_SECRET,
    TOKEN,
    DATABASE_URL,
    WEBHOOK_URL,
    ELASTICSEARCH_API_KEY,
    ELASTICSEARCH_PASSWORD,
)

# The month in which the export first existed (first commits to the vendor's CLI and documentation about it).
DEFAULT_START_DATE = dt.date(2024, 1, 1)
DEFAULT_CONTRACTS_FILE = Path("contracts.csv")
DEFAULT_INVOICES_FILE = Path("invoices.csv")
# A year of look-back would download the whole history every night.
LOOKBACK_DAYS_AT_MOST = 366


# automatic: the instance reports by itself; manual: a person hands files over; script: this project sends.
Reporting = Literal["automatic", "manual", "script"]


PUBLIC_API_OF_SPACELIFT = "https://app.spacelift.io"


class SettingsError(Exception):
    """A variable is missing or wrong. One line: which, what it says (never a secret), how to mend it."""


@dataclass(frozen=True)
class Settings:
    """The configuration of one process. None means: not configured."""

    endpoint: str | None
    key_id: str | None
    key_secret: str | None = field(repr=False)
    token: str | None = field(repr=False)
    account: str | None
    ca_bundle: Path | None
    contracts_file: Path | None
    invoices_file: Path | None
    # Not shown: it may hold a password.
    database_url: str | None = field(repr=False)
    home: Path
    start_date: dt.date
    # The day after the last; None while the account lives.
    end_date: dt.date | None
    lookback_days: int
    group_by: str
    # Neither shown: whoever knows them may get in, or post.
    archive_url: str = field(repr=False)
    webhook_url: str | None = field(repr=False)
    drop_folder: Path | None
    elasticsearch_url: str | None
    elasticsearch_api_key: str | None = field(repr=False)
    elasticsearch_username: str | None
    elasticsearch_password: str | None = field(repr=False)
    # How a self-hosted instance reports its usage to Spacelift, and the base URL where to.
    reporting: Reporting
    public_api: str | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check all variables; no file is opened but to see whether it exists.

        Raises:
            SettingsError: a variable's value cannot be used.
        """
        values = {name: environ.get(name, "").strip() or None for name in VARIABLES}
        home = Path(values[HOME] or ".local").expanduser().absolute()
        token = values[TOKEN]
        endpoint = _endpoint(written=values[ENDPOINT], token=token)
        if values[KEY_ID] and not values[KEY_SECRET]:
            raise SettingsError(f"{KEY_ID} is set but {KEY_SECRET} is not: set both, or {TOKEN} instead")
        if values[KEY_SECRET] and not values[KEY_ID]:
            raise SettingsError(f"{KEY_SECRET} is set but {KEY_ID} is not: set both, or {TOKEN} instead")
        if bool(values[ELASTICSEARCH_USERNAME]) != bool(values[ELASTICSEARCH_PASSWORD]):
            raise SettingsError(f"set both {ELASTICSEARCH_USERNAME} and {ELASTICSEARCH_PASSWORD}, or neither")
        if values[ELASTICSEARCH_API_KEY] and values[ELASTICSEARCH_USERNAME]:
            raise SettingsError(f"set {ELASTICSEARCH_API_KEY} or {ELASTICSEARCH_USERNAME}, not both")
        api_key = values[ELASTICSEARCH_API_KEY] or ""
        if not (api_key.isascii() and api_key.isprintable()):
            raise SettingsError(
                f"{ELASTICSEARCH_API_KEY} is no API key: it has a line break, or characters other than ASCII"
            )
        if values[KEY_ID] and not endpoint:
            raise SettingsError(f"{KEY_ID} is set but {ENDPOINT} is not: https://<account>.app.spacelift.io")
        start_date = _day(START_DATE, values[START_DATE]) or DEFAULT_START_DATE
        end_date = _day(END_DATE, values[END_DATE])
        if end_date and end_date <= start_date:
            raise SettingsError(
                f"{END_DATE}={end_date} is not after {START_DATE}={start_date}: it is the day after the last"
            )
        return cls(
            endpoint=endpoint,
            key_id=values[KEY_ID],
            key_secret=values[KEY_SECRET],
            token=token,
            account=values[ACCOUNT] or (account_of_endpoint(endpoint) if endpoint else None),
            ca_bundle=_existing_file(CA_BUNDLE, values[CA_BUNDLE]),
            contracts_file=_existing_file(CONTRACTS_FILE, values[CONTRACTS_FILE])
            or _if_it_exists(DEFAULT_CONTRACTS_FILE),
            invoices_file=_existing_file(INVOICES_FILE, values[INVOICES_FILE])
            or _if_it_exists(DEFAULT_INVOICES_FILE),
            database_url=_database_url(values[DATABASE_URL]),
            home=home,
            start_date=start_date,
            end_date=end_date,
            lookback_days=_lookback_days(values[LOOKBACK_DAYS]),
            group_by=_group_by(values[GROUP_BY]),
            archive_url=values[ARCHIVE_URL] or str(home / "archive"),
            webhook_url=_webhook_url(values[WEBHOOK_URL]),
            drop_folder=_existing_folder(DROP_FOLDER, values[DROP_FOLDER]),
            elasticsearch_url=_elasticsearch_url(values[ELASTICSEARCH_URL]),
            elasticsearch_api_key=values[ELASTICSEARCH_API_KEY],
            elasticsearch_username=values[ELASTICSEARCH_USERNAME],
            elasticsearch_password=values[ELASTICSEARCH_PASSWORD],
            reporting=_reporting(values[REPORTING]),
            public_api=_public_api(values[PUBLIC_API]),
        )

    @property
    def has_credentials(self) -> bool:
        """A key or a token, together with the endpoint it belongs to."""
        return self.endpoint is not None and (self.key_id is not None or self.token is not None)

    def where_to_send(self) -> str:
        """The base URL that reports may be sent to from here.

        Raises:
            SettingsError: the instance reports by itself, or nothing says where to.
        """
        if self.reporting == "automatic":
            raise SettingsError(
                f"{REPORTING}=automatic: the instance reports by itself, so nothing is sent from here; "
                f"set {REPORTING}=script if it does not"
            )
        if self.public_api is None:
            raise SettingsError(
                f"nothing says where reports are sent: set {PUBLIC_API}={PUBLIC_API_OF_SPACELIFT}"
            )
        return self.public_api

    @property
    def is_anything_configured(self) -> bool:
        """False on a fresh clone: neither an account nor a database was named."""
        return any((self.endpoint, self.key_id, self.token, self.account, self.database_url))


def _endpoint(*, written: str | None, token: str | None) -> str | None:
    try:
        if written:
            return normalise_endpoint(written)
    except SpaceliftRejectedError as error:
        raise SettingsError(f"{ENDPOINT}: {error}") from error
    try:
        return endpoint_of_token(token) if token else None
    except SpaceliftRejectedError as error:
        raise SettingsError(f"{TOKEN}: {error}") from error


def _existing_file(name: str, written: str | None) -> Path | None:
    if written is None:
        return None
    path = Path(written).expanduser().absolute()
    if not path.is_file():
        raise SettingsError(f"{name} names {path}, which is no file: correct the path or unset {name}")
    return path


def _existing_folder(name: str, written: str | None) -> Path | None:
    if written is None:
        return None
    path = Path(written).expanduser().absolute()
    if not path.is_dir():
        raise SettingsError(
            f"{name} names {path}, which is no folder: make it, correct the path or unset {name}"
        )
    return path


def _if_it_exists(path: Path) -> Path | None:
    return path.absolute() if path.is_file() else None


def _database_url(written: str | None) -> str | None:
    if written is None:
        return None
    scheme, separator, _ = written.partition("://")
    if not separator or scheme not in ("postgresql", "postgres"):
        # The value is not quoted: it may hold a password.
        raise SettingsError(f"{DATABASE_URL} is not a URL like postgresql://user:password@host:5432/database")
    return written


def _webhook_url(written: str | None) -> str | None:
    if written is None:
        return None
    if not _is_safe(written):
        # The value is not quoted: whoever knows it may post.
        raise SettingsError(f"{WEBHOOK_URL} is not an https:// URL; plain http:// only to this machine")
    return written


def _elasticsearch_url(written: str | None) -> str | None:
    if written is None:
        return None
    if not _is_safe(written):
        raise SettingsError(f"{ELASTICSEARCH_URL} is not an https:// URL; plain http:// only to this machine")
    url = urlsplit(written)
    if "@" in url.netloc or url.query or url.fragment:
        # Not quoted: what stands there may be a password.
        raise SettingsError(
            f"{ELASTICSEARCH_URL} has more than host, port and path: a user and password go into "
            f"{ELASTICSEARCH_USERNAME} and {ELASTICSEARCH_PASSWORD}"
        )
    return written.rstrip("/")


def _is_safe(written: str) -> bool:
    """Nobody on the way can read along: https, or this machine."""
    try:
        url = urlsplit(written)
        # A port that is no number raises too.
        return (
            bool(url.hostname)
            and url.port != 0
            and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")))
        )
    except ValueError:
        return False


def _day(name: str, written: str | None) -> dt.date | None:
    if written is None:
        return None
    try:
        return dt.date.fromisoformat(written)
    except ValueError as error:
        raise SettingsError(f"{name}={written} is not a day: write it as 2024-01-31") from error


def _lookback_days(written: str | None) -> int:
    if written is None:
        return 3
    if not (written.isascii() and written.isdigit() and int(written) <= LOOKBACK_DAYS_AT_MOST):
        raise SettingsError(
            f"{LOOKBACK_DAYS}={written}: use a whole number from 0 to {LOOKBACK_DAYS_AT_MOST}"
        )
    return int(written)


def _reporting(written: str | None) -> Reporting:
    known: tuple[Reporting, ...] = ("automatic", "manual", "script")
    for way in known:
        if way == (written or "manual"):
            return way
    raise SettingsError(f"{REPORTING}={written}: use {', '.join(known[:-1])} or {known[-1]}")


def _public_api(written: str | None) -> str | None:
    try:
        return normalise_endpoint(written) if written else None
    except SpaceliftRejectedError as error:
        raise SettingsError(f"{PUBLIC_API}: {error}") from error


def _group_by(written: str | None) -> str:
    if written not in (None, "run-state", "run-type"):
        raise SettingsError(f"{GROUP_BY}={written}: use run-state or run-type")
    return written or "run-state"
