"""What can go wrong between us and Spacelift, sorted by what a person or program does about it.

SpaceliftError
├── SpaceliftUnavailableError   asking again may help: no answer, 408, 429, 5xx, a cut transfer
└── SpaceliftRejectedError      asking again cannot help: refused, wrong answer, wrong configuration
"""


class SpaceliftError(Exception):
    """Base of all; the message is one line and holds no secret."""


class SpaceliftUnavailableError(SpaceliftError):
    """Asking again may help. `retry_after_seconds` is the server's own wish, when it stated one."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SpaceliftRejectedError(SpaceliftError):
    """Asking again cannot help; a person has to change something first."""
