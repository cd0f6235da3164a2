"""A local cloud in a process of its own, to be killed and started again at the same place with the same keys.

Run as `python cloud_process.py SEED BACKOFF STATE [PORT PORT]`, BACKOFF the longest wait between two attempts
to deliver (s), STATE the folder of what survives; takes one JSON command a line, answers each with a line.
"""

import asyncio
import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

from globalchat.cli.local_cloud import profile_of
from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud


async def serve(seed: int, backoff: float, state: Path, ports: list[int]) -> None:
    options = CloudOptions(
        rng=random.Random(seed),
        delivery=DeliverySettings(backoff_base=backoff / 5, backoff_cap=backoff),
        tables_file=state / "tables.sqlite3",
        events_file=state / "events.sqlite3",
    )
    async with LocalCloud.open(ports=ports, options=options) as cloud:
        answer([asdict(each) for each in profile_of(cloud.regions).regions.values()])
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["do"] == "set":
                cloud.faults.set(*command["faults"], region=command["region"])
            elif command["do"] == "clear":
                cloud.faults.clear()
            elif command["do"] == "settle":
                await cloud.events.settled()
            elif command["do"] == "redrive":
                await cloud.events.redrive()
            answer({"dead_letters": sum(map(len, cloud.events.dead_letters.values()))})


def answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    ports = [int(each) for each in sys.argv[4:]]
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), ports))
