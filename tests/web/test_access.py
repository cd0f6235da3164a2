"""Who is let in, by header, cookie, token and key."""

from itertools import count

import pytest

from globalchat.web.access import Access, AccessRefused, Secrets

HERE = {"Host": "127.0.0.1:8742"}
ORIGIN = "http://127.0.0.1:8742"


@pytest.fixture
def access() -> Access:
    numbers = count(1)
    return Access(Secrets.make(lambda: f"secret{next(numbers)}"), 8742)


def test_the_token_is_in_the_link_alone(access: Access) -> None:
    assert access.link == "http://127.0.0.1:8742/?token=secret1"
    assert (access.cookie, access.entrance) == ("secret2", "/#secret3")
    assert "secret" not in repr(Secrets.make(lambda: "secret"))


@pytest.mark.parametrize(
    "host",
    ["", "localhost:8742", "127.0.0.1", "127.0.0.1:8743", "evil.example:8742", "127.0.0.1:8742.evil.example"],
)
def test_no_other_name_of_this_server_is_let_in(access: Access, host: str) -> None:
    with pytest.raises(AccessRefused, match=r"no other name.*same port"):
        access.check_address({"Host": host})


@pytest.mark.parametrize(
    "origin", ["null", "", "https://127.0.0.1:8742", "http://127.0.0.1:8000", "http://evil.example"]
)
def test_no_other_page_sends_a_request(access: Access, origin: str) -> None:
    with pytest.raises(AccessRefused, match="Another page"):
        access.check_address({**HERE, "Origin": origin})
    with pytest.raises(AccessRefused, match="Another page"):
        access.check_socket({"Origin": origin, "Sec-WebSocket-Protocol": "globalchat, key.secret3"})


def test_our_own_page_and_what_a_user_opens_are_let_in(access: Access) -> None:
    access.check_address(HERE)
    access.check_address({**HERE, "Origin": ORIGIN})
    access.check_token("secret1")
    for site in ({}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}):
        access.check(site, "secret2")
    access.check_socket({"Origin": ORIGIN, "Sec-WebSocket-Protocol": "globalchat, key.secret3"})


@pytest.mark.parametrize("cookie", [None, "", "secret1", "secret3", "SECRET2", "secret2é", "secret2\udc80"])
def test_only_the_cookie_is_the_cookie(access: Access, cookie: str | None) -> None:
    with pytest.raises(AccessRefused, match="Open the link"):
        access.check({}, cookie)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "SAME-ORIGIN", ""])
def test_a_request_that_another_site_causes_is_refused(access: Access, site: str) -> None:
    # "same-site" is another port of this machine, to which browsers send the cookie as well.
    with pytest.raises(AccessRefused, match="Another page"):
        access.check({"Sec-Fetch-Site": site}, "secret2")


@pytest.mark.parametrize("token", ["", "secret2", "secret", "secret1 ", "\udc80"])
def test_no_other_token_opens(access: Access, token: str) -> None:
    with pytest.raises(AccessRefused, match="no longer, valid"):
        access.check_token(token)


@pytest.mark.parametrize(
    "offered", ["globalchat", "", "globalchat, key.", "key.secret2", "key.secret3, key.x"]
)
def test_a_stolen_cookie_opens_no_chat(access: Access, offered: str) -> None:
    # Cookies do not know ports: another server of this machine can get it.
    with pytest.raises(AccessRefused, match="no valid key"):
        access.check_socket({"Origin": ORIGIN, "Sec-WebSocket-Protocol": offered})
