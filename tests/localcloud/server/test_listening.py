import re
import secrets
import socket

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.server.credentials import new_admin, new_api_key
from globalchat.localcloud.server.listening import bound, url


def test_free_ports_are_taken_and_given_back() -> None:
    with bound([0, 0]) as listeners:
        urls = [url(listener) for listener in listeners]
        assert len(set(urls)) == 2
        ports = [listener.getsockname()[1] for listener in listeners]
        assert all(listener.getsockname()[0] == "127.0.0.1" for listener in listeners)
    with bound(ports) as again:
        assert [url(listener) for listener in again] == urls


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(UserError, match=rf"^Port {port} is in use by another program\.$") as caught,
            bound([port]),
        ):
            pass
    assert caught.value.remedy == "Choose another port, or none to take a free one."


def test_when_the_second_port_is_busy_the_first_is_given_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, bound([0]) as [probe]:
        first, second = probe.getsockname()[1], other.getsockname()[1]
        probe.close()
        with pytest.raises(UserError), bound([first, second]):
            pass
        with bound([first]):
            pass


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port_is_said_so(port: int) -> None:
    with pytest.raises(UserError, match=rf"^{port} is not a port\.$"), bound([port]):
        pass


def test_credentials_have_the_form_of_aws() -> None:
    rng = secrets.SystemRandom()
    key, admin = new_api_key(rng), new_admin(rng)
    assert re.fullmatch(r"da2-[a-z0-9]{26}", key)
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", admin.access_key)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", admin.secret_key)
    assert key != new_api_key(rng)
    assert admin.secret_key not in repr(admin)
