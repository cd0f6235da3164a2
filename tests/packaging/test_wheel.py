"""What is installed: the wheel, from a checkout or by way of the sdist, holds every file of the rooms."""

import tarfile
from pathlib import Path
from zipfile import ZipFile

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
ROOMS = ("infra", "localcloud", "client", "probe", "tui", "cli")
MADE = {"__pycache__", "node_modules", "cdk.out"}


def built(builder: WheelBuilder | SdistBuilder, folder: Path) -> Path:
    return Path(next(iter(builder.build(directory=str(folder), versions=["standard"]))))


def names(wheel: Path) -> set[str]:
    """The files of a wheel without those that tell about it."""
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_the_rooms_whichever_way_it_is_built(tmp_path: Path) -> None:
    files = (file for room in ROOMS for file in (ROOT / room).rglob("*") if file.is_file())
    wanted = {file.relative_to(ROOT) for file in files if not MADE.intersection(file.parts)}
    held = names(built(WheelBuilder(str(ROOT)), tmp_path))
    assert held == {file.as_posix() for file in wanted} | {"infra/schema.graphql"}

    with tarfile.open(built(SdistBuilder(str(ROOT)), tmp_path)) as sdist:
        sdist.extractall(tmp_path / "sdist", filter="data")
    (source,) = (tmp_path / "sdist").iterdir()
    assert names(built(WheelBuilder(str(source)), tmp_path / "again")) == held
