"""Clients of others, in a shell with `local env`, reach a local cloud that serves over TLS."""

import shutil
import subprocess
import sys

import pytest

from globalchat.cli.local_cloud import TRUST_VARIABLES
from globalchat.localcloud.process import launch
from tests.e2e.helpers.processes import Home

pytestmark = pytest.mark.e2e

URLLIB = """
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    print(error.code)
"""
REQUESTS = "import sys, requests; print(requests.get(sys.argv[1], timeout=10).status_code)"
BOTOCORE = """
import botocore.session
client = botocore.session.get_session().create_client("sts")
print(client.get_caller_identity()["Account"])
"""
FETCH = "fetch(process.argv[1]).then((a) => console.log(a.status), (error) => console.log(error.cause.code))"
CURL = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\\n"]

CLIENTS = {
    "ssl": ([sys.executable, "-c", URLLIB], "SSL_CERT_FILE"),
    "requests": ([sys.executable, "-c", REQUESTS], "REQUESTS_CA_BUNDLE"),
    "botocore": ([sys.executable, "-c", BOTOCORE], "AWS_CA_BUNDLE"),
    "node": (["node", "-e", FETCH], "NODE_EXTRA_CA_CERTS"),
    "curl": (CURL, "CURL_CA_BUNDLE"),
}


@pytest.fixture(scope="module")
def served(home_of_module: Home) -> Home:
    serving = home_of_module.start("local", "serve", "--tls")
    serving.err.wait_for("The local cloud is ready")
    return home_of_module


def run_in_shell(home: Home, client: list[str], *changes: str) -> tuple[str, str]:
    """Run a client in a shell that has evaluated `local env`; return what it prints on both outputs."""
    printed = home.run("local", "env")
    assert printed.returncode == 0, printed.stderr
    cloud = launch.find(home.cloud_folder)
    assert cloud is not None
    script = "\n".join((printed.stdout, *changes, 'exec "$@"'))
    done = subprocess.run(
        ["sh", "-c", script, "sh", *client, cloud.regions[0].graphql_url],
        env={name: value for name, value in home.env.items() if name not in TRUST_VARIABLES},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_trusts_the_local_cloud_and_does_not_without_its_variable(served: Home, name: str) -> None:
    client, variable = CLIENTS[name]
    if shutil.which(client[0]) is None:
        pytest.skip(f"{client[0]} is not installed")
    answered, said = run_in_shell(served, client)
    assert answered in ("400", "401", "000000000000"), said
    # requests reads curl's variable, botocore that of requests: without all of them no server is trusted.
    others = (each for each in TRUST_VARIABLES if each != variable)
    assert run_in_shell(served, client, *(f"unset {each}" for each in others))[0] == answered
    alone, _ = run_in_shell(served, client, f"unset {' '.join(TRUST_VARIABLES)}")
    assert alone != answered
