"""What can be wrong with a file of contract terms or invoices: a person corrects the file."""

from collections.abc import Sequence


class ContractsError(Exception):
    """The file cannot be used; `problems` holds everything that is wrong with it, a line of text each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
