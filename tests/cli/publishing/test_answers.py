"""What `publish` makes of the answers of a server that is not what it should be."""

import pytest

from globalchat.cli.publishing.request import Request
from globalchat.cli.publishing.run import publish
from globalchat.core.errors import ExitCode
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of

REQUEST = Request(
    channel="tech",
    sender="ana",
    text="hi",
    count=1,
    templated=False,
    size=None,
    rate=None,
    window=1,
    retry_for=None,
    as_json=False,
)


@pytest.mark.parametrize("answered", ["01M8\x1b[31mRED\x1b#8", "\x9b2J\ufff9", "01M8\nforged"])
async def test_an_answer_about_another_message_fails(
    answered: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with FakeAppSync() as server:
        server.answered_id = answered
        code = await publish(profile_of(server), None, REQUEST)
    out, err = capfd.readouterr()
    assert (code, out) == (ExitCode.FAILED, "")
    assert "answered with another id than the one that was sent" in err
    assert err.rstrip("\n").isprintable()
    assert len(server.published) == 1
