"""What a webhook is told, and that a webhook in trouble is nobody else's."""

import pytest

from orchestration.settings import Settings, SettingsError
from orchestration.webhook import MOST_CHARACTERS, failed_run, tell
from tests.pipeline.listening_webhook import listening_webhook


def test_a_message_is_one_short_line_in_which_nothing_links():
    with listening_webhook() as webhook:
        assert (
            tell(webhook.url, failed_run("daily", days="2024-02-29", reason="<!here>\n& " + "x" * 999))
            is None
        )
    (text,) = webhook.texts
    assert text.startswith("daily failed for 2024-02-29: &lt;!here&gt; &amp; xxx")
    assert text.endswith("x…")
    assert len(text) < MOST_CHARACTERS + 20


def test_a_webhook_in_trouble_is_a_line_without_its_address():
    with listening_webhook(status=500) as webhook:
        assert tell(webhook.url, "anything") == "USAGE_WEBHOOK_URL answered 500"
    assert tell(webhook.url, "anything") == "USAGE_WEBHOOK_URL was not reached: ConnectError"


@pytest.mark.parametrize(
    "url", ["http://hooks.example/services/secret", "hooks.example/secret", "https:///secret"]
)
def test_a_webhook_that_others_could_read_along_is_refused_without_showing_it(url):
    with pytest.raises(SettingsError, match="USAGE_WEBHOOK_URL is not an https:// URL") as refused:
        Settings.from_environment({"USAGE_WEBHOOK_URL": url})
    assert "secret" not in str(refused.value)
