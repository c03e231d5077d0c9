"""The one error of a command that was understood."""


class CommandFailedError(Exception):
    """A command that was understood could not be carried out; the message is for the person who typed it."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
