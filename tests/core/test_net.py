"""Which proxy holds for a URL; each row was compared with curl 7.88.1 unless it says otherwise."""

import pytest

from globalchat.core.net import (
    Proxy,
    ProxyRefused,
    environment_for_children,
    host_of,
    is_loopback,
    proxy_for,
)

API = "https://abc.appsync-api.us-west-2.amazonaws.com/graphql"
SOCKET = "wss://abc.appsync-realtime-api.us-west-2.amazonaws.com/graphql"
P = "http://proxy.example:3128"


def test_host_of_a_url_is_what_the_host_header_carries() -> None:
    assert host_of("https://user:pw@api.example:8443/graphql?x=1") == "api.example:8443"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_loopback_is_never_proxied(host: str) -> None:
    assert is_loopback(f"http://{host}/")
    assert proxy_for(f"http://{host}/", {"http_proxy": P, "ALL_PROXY": "socks5://p:1"}) is None


@pytest.mark.parametrize("host", ["localhost.example", "mylocalhost", "128.0.0.1", "[::2]", "127.example"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "environ", "variable"),
    [
        (API, {"https_proxy": P}, "https_proxy"),
        (API, {"HTTPS_PROXY": P}, "HTTPS_PROXY"),
        (API, {"HTTPS_PROXY": "http://other:1", "https_proxy": P}, "https_proxy"),
        (API, {"ALL_PROXY": P}, "ALL_PROXY"),
        (API, {"all_proxy": P, "ALL_PROXY": "http://other:1"}, "all_proxy"),
        (API, {"all_proxy": "http://other:1", "HTTPS_PROXY": P}, "HTTPS_PROXY"),
        (API, {"https_proxy": "", "HTTPS_PROXY": P}, "HTTPS_PROXY"),
        (API, {"https_proxy": "", "HTTPS_PROXY": "", "ALL_PROXY": P}, "ALL_PROXY"),
        (API, {"http_proxy": P, "HTTP_PROXY": P}, None),
        ("http://api.example/", {"http_proxy": P}, "http_proxy"),
        ("http://api.example/", {"HTTP_PROXY": P}, None),
        ("http://api.example/", {"HTTPS_PROXY": P}, None),
        ("http://api.example/", {"HTTP_PROXY": "http://other:1", "ALL_PROXY": P}, "ALL_PROXY"),
        # curl's source: a WebSocket has variables of its own, and else those of HTTP.
        (SOCKET, {"HTTPS_PROXY": P}, "HTTPS_PROXY"),
        (SOCKET, {"https_proxy": "http://other:1", "wss_proxy": P}, "wss_proxy"),
        (SOCKET, {"ws_proxy": P, "http_proxy": P}, None),
        ("ws://api.example/", {"http_proxy": P}, "http_proxy"),
        ("ws://api.example/", {"HTTP_PROXY": P, "HTTPS_PROXY": P}, None),
        (API, {}, None),
    ],
)
def test_the_variable_that_counts(url: str, environ: dict[str, str], variable: str | None) -> None:
    proxy = proxy_for(url, environ)
    assert (proxy.variable if proxy else None) == variable
    assert proxy is None or str(proxy) == P


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("http://p.example:3128", ("http", "p.example", 3128, None, "")),
        ("http://p.example:3128/", ("http", "p.example", 3128, None, "")),
        ("p.example:3128", ("http", "p.example", 3128, None, "")),
        ("p.example", ("http", "p.example", 1080, None, "")),
        ("HTTP://P.Example:3128", ("http", "p.example", 3128, None, "")),
        ("https://p.example", ("https", "p.example", 443, None, "")),
        ("http://[2001:db8::1]:3128", ("http", "2001:db8::1", 3128, None, "")),
        ("user:pw@p.example:3128", ("http", "p.example", 3128, "user", "pw")),
        ("http://user%40corp:p%40ss%3A%2F@p.example:1", ("http", "p.example", 1, "user@corp", "p@ss:/")),
        ("http://us%C3%A9r:pässword@p.example:1", ("http", "p.example", 1, "usér", "pässword")),
        ("http://user@p.example:1", ("http", "p.example", 1, "user", "")),
        ("http://user:p@ss@p.example:1", ("http", "p.example", 1, "user", "p@ss")),
    ],
)
def test_forms_of_a_proxy(value: str, proxy: tuple[str, str, int, str | None, str]) -> None:
    found = proxy_for(API, {"HTTPS_PROXY": value})
    assert found is not None
    assert (found.scheme, found.host, found.port, found.user, found.password) == proxy


def test_whole_url_of_a_proxy_means_the_same_everywhere() -> None:
    proxy = Proxy("http", "2001:db8::1", 8080, "HTTPS_PROXY", "a b", "pä:@/")
    assert proxy.url == "http://a%20b:p%C3%A4%3A%40%2F@[2001:db8::1]:8080"
    assert proxy_for(API, {"HTTPS_PROXY": proxy.url}) == proxy
    assert proxy.authorization == "Basic YSBiOnDDpDpALw=="


def test_name_and_password_are_in_no_text() -> None:
    proxy = proxy_for(API, {"HTTPS_PROXY": "http://ana:hunter2@p.example:1"})
    assert proxy is not None
    assert "hunter2" not in f"{proxy} {proxy!r}"
    assert "ana" not in f"{proxy} {proxy!r}"
    assert "hunter2" in proxy.secrets


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("socks5://ana:hunter2@p.example:1080", "SOCKS"),
        ("socks5h://p.example", "SOCKS"),
        ("socks4a://p.example", "SOCKS"),
        ("SOCKS://p.example", "SOCKS"),
        ("ftp://ana:hunter2@p.example", "kind"),
        ("http://", "URL"),
        (" ", "URL"),
        ("http://ana:hunter2@:3128", "URL"),
        ("http://p.example:hunter2", "URL"),
        ("http://p.example:0", "URL"),
        ("http://p.example:99999", "URL"),
        ("http:p.example:3128", "URL"),
        ("http://p.exa mple:3128", "URL"),
        ("http://p.example\n:3128", "URL"),
        ("http://ana:hun/ter2@p.example:1", "URL"),
        ("http://ana:hunter2%FF@p.example:1", "UTF-8"),
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_what_cannot_be_used_is_refused_by_name(variable: str, value: str, said: str) -> None:
    with pytest.raises(ProxyRefused, match=said) as refused:
        proxy_for(API, {variable: value})
    assert str(refused.value).startswith(variable)
    assert variable in (refused.value.remedy or "")
    assert "hunter2" not in refused.value.sentence
    assert refused.value.exit_code == 2


def test_what_is_exempt_is_not_refused() -> None:
    assert proxy_for(API, {"ALL_PROXY": "socks5://p", "NO_PROXY": "amazonaws.com"}) is None


NAME = "https://sts.amazonaws.com/"
V4, V6 = "https://203.0.113.7:8443/", "https://[2001:db8::7]/"


@pytest.mark.parametrize(
    ("url", "exempt", "direct"),
    [
        (NAME, "*", True),
        (NAME, " * ", True),
        (NAME, "sts.amazonaws.com", True),
        (NAME, "amazonaws.com", True),
        (NAME, ".amazonaws.com", True),
        (NAME, "amazonaws.com.", True),
        (NAME, "AMAZONAWS.COM", True),
        (NAME, "example.com,amazonaws.com", True),
        (NAME, "example.com, .amazonaws.com ,x", True),
        (NAME, "example.com amazonaws.com", True),
        (NAME, ",,amazonaws.com,,", True),
        (NAME, "azonaws.com", False),
        (NAME, "com.", True),
        (NAME, ".", False),
        (NAME, "", False),
        (NAME, "*.amazonaws.com", False),
        (NAME, "*,example.com", False),
        (NAME, "sts.amazonaws.com.example", False),
        ("https://sts.amazonaws.com./", "amazonaws.com", True),
        ("https://STS.AmazonAWS.com/", "amazonaws.com", True),
        ("https://amazonaws.com/", ".amazonaws.com", True),
        # A port is not curl's, but that of urllib, Go and Node.js.
        (NAME, "amazonaws.com:443", True),
        (NAME, "amazonaws.com:8443", False),
        ("https://sts.amazonaws.com:8443/", "amazonaws.com:8443", True),
        ("wss://sts.amazonaws.com/", "amazonaws.com:443", True),
        (V4, "203.0.113.7", True),
        (V4, "203.0.113.7:8443", True),
        (V4, "203.0.113.7:443", False),
        (V4, "203.0.113.0/24", True),
        (V4, "203.0.113.0/29,x", True),
        (V4, "10.0.0.0/8 203.0.113.6/31", True),
        (V4, "203.0.113.8", False),
        (V4, "203.0.114.0/24", False),
        (V4, "113.7", False),
        (V4, "203.0.113.0/99", False),
        (V6, "2001:db8::7", True),
        (V6, "[2001:db8::7]", True),
        (V6, "[2001:db8::7]:443", True),
        (V6, "[2001:db8::7]:444", False),
        (V6, "2001:db8:0:0::7", True),
        (V6, "2001:db8::/32", True),
        (V6, "[2001:db8::]/32", True),
        (V6, "2001:db9::/32", False),
        (V6, "2001:db8::8", False),
    ],
)
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_forms_of_exemptions(url: str, exempt: str, direct: bool, variable: str) -> None:
    assert (proxy_for(url, {"ALL_PROXY": P, variable: exempt}) is None) is direct


def test_small_letters_count_first_for_exemptions_too() -> None:
    assert proxy_for(NAME, {"HTTPS_PROXY": P, "no_proxy": "x", "NO_PROXY": "*"}) is not None
    assert proxy_for(NAME, {"HTTPS_PROXY": P, "no_proxy": "", "NO_PROXY": "*"}) is None


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": "p.example:3128"},
        {"ALL_PROXY": "http://p.example:3128"},
        {"https_proxy": "", "HTTPS_PROXY": "http://p.example:3128", "npm_config_proxy": "http://other:1"},
        {"https_proxy": "http://p.example:3128", "HTTPS_PROXY": "http://other:1"},
    ],
)
def test_children_get_one_proxy_in_the_form_that_all_understand(environ: dict[str, str]) -> None:
    made = environment_for_children({**environ, "HOME": "/home/ana", "AWS_REGION": "us-west-2"})
    assert made["https_proxy"] == made["HTTPS_PROXY"] == "http://p.example:3128"
    assert {name for name in made if "proxy" in name.lower()} <= {
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    }
    assert made["HOME"] == "/home/ana"
    assert made["no_proxy"] == made["NO_PROXY"] == "localhost,127.0.0.1,::1,[::1]"


def test_children_get_exemptions_that_they_understand() -> None:
    listed = ".amazonaws.com example.com:8443,10.0.0.0/8, *.corp ,2001:db8::7,203.0.113.7"
    made = environment_for_children(
        {"HTTPS_PROXY": P, "NO_PROXY": listed}, ["https://10.1.2.3:9/", "https://api.example/", NAME]
    )
    assert made["NO_PROXY"].split(",") == [
        *("localhost", "127.0.0.1", "::1", "[::1]"),
        *("amazonaws.com", ".amazonaws.com", "example.com:8443", ".example.com:8443"),
        *("[2001:db8::7]", "2001:db8::7", "203.0.113.7", "10.1.2.3", "sts.amazonaws.com"),
    ]


def test_children_of_someone_who_exempts_everything_get_no_proxy() -> None:
    made = environment_for_children({"HTTPS_PROXY": "socks5://p", "ALL_PROXY": P, "NO_PROXY": "*"})
    assert made == {"no_proxy": "*", "NO_PROXY": "*"}


def test_npm_keeps_its_own_settings() -> None:
    assert environment_for_children({"npm_config_proxy": P}, npm=True)["npm_config_proxy"] == P


def test_children_get_no_proxy_that_cannot_be_used() -> None:
    with pytest.raises(ProxyRefused, match="ALL_PROXY names a SOCKS proxy"):
        environment_for_children({"ALL_PROXY": "socks5://p"})
