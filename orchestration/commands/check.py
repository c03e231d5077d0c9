"""`spacelift-usage check`. Not here: asking the parts (configuration_check.py)."""

from rich.console import Console

from orchestration.commands.configured import NOTHING_CONFIGURED, configured
from orchestration.commands.failure import CommandFailedError
from orchestration.settings import SettingsError


def check_configuration() -> None:
    """One line for each part; fails when a configured one does not answer."""
    from orchestration.configuration_check import check_parts

    settings, console = configured(), Console()
    parts = check_parts(settings)
    for part in parts:
        console.print(
            f"{part.name:<11} {part.verdict:<15} {part.detail}", highlight=False, markup=False, soft_wrap=True
        )
    if not settings.is_anything_configured:
        raise SettingsError(NOTHING_CONFIGURED)
    failed = [part.name for part in parts if part.verdict == "failed"]
    if failed:
        raise CommandFailedError(f"does not answer: {', '.join(failed)}")
    if any(part.verdict == "late" for part in parts):
        raise CommandFailedError(
            "nothing has landed for too long: look at the last runs with spacelift-usage ui"
        )
