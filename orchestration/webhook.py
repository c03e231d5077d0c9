"""What has to be known, told to a webhook that takes Slack's messages: one short POST, never in the way.

Here: the message and its way. Not here: when there is something to tell (commands/, sensors.py), the rules
for the URL (settings.py). The URL is a secret, so no line of ours repeats it.
Source: Slack's documentation, "Sending messages using incoming webhooks" and "Escaping text".
"""

import httpx

TIMEOUT_SECONDS = 10.0
MOST_CHARACTERS = 600


def tell(url: str | None, text: str) -> str | None:
    """Post the text, cut to a few lines, if there is a URL; what went wrong, in one line, or None."""
    if url is None:
        return None
    line = " ".join(text.split())
    if len(line) > MOST_CHARACTERS:
        line = f"{line[: MOST_CHARACTERS - 1]}…"
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        answer = httpx.post(url, json={"text": escaped}, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"USAGE_WEBHOOK_URL was not reached: {type(error).__name__}"
    if not answer.is_success:
        return f"USAGE_WEBHOOK_URL answered {answer.status_code}"
    return None


def failed_run(job: str, *, days: str, reason: str) -> str:
    """The message about a run that failed."""
    return f"{job} failed for {days}: {reason}"
