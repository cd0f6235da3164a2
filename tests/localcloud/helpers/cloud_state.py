"""The state file of a local cloud's process that does not exist."""

from globalchat.localcloud.interfaces import RegionAddress
from globalchat.localcloud.process.state import CloudState

OREGON = RegionAddress(
    alias="oregon",
    region="us-west-2",
    graphql_url="http://127.0.0.1:5001/graphql",
    realtime_url="ws://127.0.0.1:5001/graphql",
    api_id="abc",
    event_bus="globalchat-bus",
    api_key="da2-keykeykeykey",
)
STATE = CloudState(
    pid=42,
    started_at=1_700_000_000_000,
    control_port=5003,
    nonce="nonce-of-the-cloud",
    admin_token="token-of-the-admin",
    access_key_id="AKIAEXAMPLE",
    secret_access_key="secret-of-the-admin",
    aws_endpoint_url="http://127.0.0.1:5004",
    regions=(OREGON,),
)
