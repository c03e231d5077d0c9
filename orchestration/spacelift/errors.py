"""What can go wrong between us and Spacelift, sorted by what a person or program does about it.

SpaceliftError
├── SpaceliftUnavailableError   asking again may help: no answer, 408, 429, 5xx, a cut transfer
└── SpaceliftRejectedError      asking again cannot help: refused, wrong answer, wrong configuration
    └── NotUsageFileError       an answer of status 200 that is no CSV file: a login page, JSON, nothing
"""


class SpaceliftError(Exception):
    """Base of all; the message is one line and holds no secret.

    `window_may_be_too_long` when the same request for fewer days may succeed: the vendor publishes no limit.
    """

    def __init__(self, message: str, *, window_may_be_too_long: bool = False) -> None:
        super().__init__(message)
        self.window_may_be_too_long = window_may_be_too_long


class SpaceliftUnavailableError(SpaceliftError):
    """Asking again may help. `retry_after_seconds` is the server's own wish, when it stated one.

    `is_throttled` when we asked too often (429): then every further request makes it worse.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        is_throttled: bool = False,
        window_may_be_too_long: bool = False,
    ) -> None:
        super().__init__(message, window_may_be_too_long=window_may_be_too_long)
        self.retry_after_seconds = retry_after_seconds
        self.is_throttled = is_throttled


class SpaceliftRejectedError(SpaceliftError):
    """Asking again cannot help; a person has to change something first."""


class NotUsageFileError(SpaceliftRejectedError):
    """A successful answer that cannot be a usage file.

    `body` is what came: decompressed, up to a bound, without our secrets.
    """

    def __init__(self, message: str, *, body: bytes) -> None:
        super().__init__(message)
        self.body = body
