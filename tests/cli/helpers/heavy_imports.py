"""Packages that a command loads only when it needs them."""

HEAVY = (
    "textual",
    "rich",
    "pygments",
    "gql",
    "aiohttp",
    "websockets",
    "graphql",
    "botocore",
    "boto3",
    "quickjs",
    "tree_sitter_javascript",
    "aws_cdk",
    "constructs",
    "jsii",
    "moto",
    "globalchat.localcloud.server",
)
LIGHT = (*HEAVY, "asyncio")
"""What help, completion and refusals do without: asyncio alone would be a quarter of their time."""
