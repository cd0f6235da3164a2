"""A moto server with the extension, and a user who has the CDK installed."""

import logging
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from globalchat.core.resources import TEMPLATES
from globalchat.core.sign_in import Timeouts
from globalchat_infra import stack_interface
from globalchat_infra.deployer import cdk
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.aws_front import AwsFront, aws_front
from tests.infra.helpers.moto_account import User
from tests.infra.helpers.shared_sessions import shared_sessions
from tests.infra.helpers.warm_synthesis import WarmSynthesis, warm_synthesis
from tests.paths import JSII_CACHE, ROOT

COMPILE_CACHE = ROOT / "tests" / "infra" / "helpers" / "compile_cache.cjs"


@pytest.fixture(scope="session", autouse=True)
def _shared_sessions() -> Iterator[None]:
    with shared_sessions():
        yield


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of a moto server with our extension."""
    from tests.infra.helpers import moto_extension

    moto_extension.install()
    # Werkzeug would log every call, for pytest to keep.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def cloud(moto_url: str, aws_settings: pytest.MonkeyPatch) -> str:
    """An AWS with nothing in it."""
    import botocore.awsrequest
    import botocore.httpsession

    session = botocore.httpsession.URLLib3Session()
    session.send(botocore.awsrequest.AWSRequest("POST", f"{moto_url}/moto-api/reset").prepare())
    session.close()
    aws_settings.setenv("AWS_ENDPOINT_URL", moto_url)
    return moto_url


@pytest.fixture
def front(cloud: str, aws_settings: pytest.MonkeyPatch) -> Iterator[AwsFront]:
    """A server before that AWS, which a test may have answer in its stead."""
    with aws_front(behind=cloud) as front:
        aws_settings.setenv("AWS_ENDPOINT_URL", front.url)
        yield front


@pytest.fixture
def user(tmp_path: Path, aws_settings: pytest.MonkeyPatch) -> User:
    """A user of the command who has no files yet."""
    aws_settings.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    return User(tmp_path / "home")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which Node.js keeps the compiled command line of the CDK for the run."""
    return tmp_path_factory.mktemp("compiled") / "cdk"


@pytest.fixture
def equipped(user: User, node_modules: Path, compiled: Path, aws_settings: pytest.MonkeyPatch) -> User:
    """A user whose cache holds the CDK command line of the lock file, and jsii's packages."""
    aws_settings.setenv("NODE_OPTIONS", f'--require "{COMPILE_CACHE}"')
    aws_settings.setenv("COMPILED", str(compiled))
    aws_settings.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(JSII_CACHE))
    folder = cdk.cli_folder(user.cache)
    folder.mkdir(parents=True)
    (folder / "node_modules").symlink_to(node_modules)
    return user


@pytest.fixture(scope="session")
def _warm_synthesis() -> Iterator[WarmSynthesis]:
    with warm_synthesis() as warm:
        yield warm


@pytest.fixture
def warm_app(_warm_synthesis: WarmSynthesis, monkeypatch: pytest.MonkeyPatch) -> WarmSynthesis:
    """Let this process synthesise in place of the app's own, for tests that are not about that."""
    monkeypatch.setattr(cdk, "app_command", lambda: _warm_synthesis.command)
    return _warm_synthesis


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of the checked-in cloud assembly, whose keys end as if it was made today."""
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "assembly"))
    end = stack_interface.key_expiry(datetime.now(UTC).date())
    for file in folder.glob("*-api.template.json"):
        text, count = re.subn(r'"Default": \d{2,}', f'"Default": {end}', file.read_text(encoding="utf-8"))
        assert count == 1
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let pauses pass at once, on a clock of their own: the seconds so far."""
    made, elapsed = Aws.with_retries, [0.0]

    def without_pauses(self: Aws) -> Aws:
        aws = made(self)
        aws.timeouts = Timeouts(10.0, 20.0, 1)
        aws.clock = lambda: elapsed[0]
        aws.pause = lambda seconds: elapsed.__setitem__(0, elapsed[0] + seconds)
        return aws

    monkeypatch.setattr(Aws, "with_retries", without_pauses)
    return elapsed
