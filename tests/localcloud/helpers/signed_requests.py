"""Requests that are signed as botocore signs them."""

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from globalchat.localcloud.sigv4 import SignedRequest

ACCESS, SECRET = "AKIATESTTESTTESTTEST", "secret/+key"
HOST = "127.0.0.1:5001"


def signed(
    body: bytes = b"{}",
    method: str = "POST",
    path: str = "/graphql",
    headers: dict[str, str] | None = None,
    host: str = HOST,
) -> SignedRequest:
    """Sign as botocore does."""
    request = AWSRequest(method, f"http://{host}{path}", headers or {}, body)
    SigV4Auth(Credentials(ACCESS, SECRET), "appsync", "us-west-2").add_auth(request)
    return SignedRequest(method, path, {"Host": host, **dict(request.headers.items())}, body)
