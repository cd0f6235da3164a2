"""What a process that serves has loaded."""

import subprocess
import sys
from pathlib import Path

from tests.localcloud.helpers import notes_app


def test_serving_loads_nothing_heavy() -> None:
    script = """
import asyncio, json, sys
import globalchat.localcloud.__main__
from globalchat.localcloud.server.cloud import LocalCloud
async def main():
    import aiohttp
    async with LocalCloud.open() as cloud, aiohttp.ClientSession() as session:
        region = cloud.regions[0]
        body = {"query": 'mutation { publish(name: "tech", message: "hi") { id } }'}
        headers = {"x-api-key": region.api_key}
        async with session.post(region.graphql_url, json=body, headers=headers) as response:
            assert "errors" not in await response.json()
        async with session.ws_connect(region.realtime_url, protocols=["graphql-ws"], headers=headers) as ws:
            data = json.dumps({"query": 'subscription { subscribe(name: "tech") { id } }'})
            payload = {"data": data, "extensions": {"authorization": headers}}
            await ws.send_json({"type": "start", "id": "1", "payload": payload})
            assert (await ws.receive_json())["type"] == "start_ack"
asyncio.run(main())
heavy = {"boto3", "botocore", "aws_cdk", "textual", "gql", "cryptography"}
ours = {"globalchat_infra", "globalchat.client", "globalchat.ui", "globalchat.cli"}
print(*((heavy | ours) & set(sys.modules)))
"""
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_without_a_table_no_database_is_loaded(tmp_path: Path) -> None:
    template = notes_app.template()
    resources = template["Resources"]
    template["Resources"] = {name: resources[name] for name in ("Api", "Schema", "Key")}
    del template["Outputs"]
    script = f"""
import asyncio, sys
from pathlib import Path
from globalchat.localcloud.server.cloud import LocalCloud
async def main():
    async with LocalCloud.open(Path({str(notes_app.write(tmp_path / "app", template))!r})):
        print(*(name for name in sys.modules if name == "sqlite3" or ".localcloud.dynamodb" in name))
asyncio.run(main())
"""
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("\n", "")
