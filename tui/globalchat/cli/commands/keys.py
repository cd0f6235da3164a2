"""`globalchat keys`: the API keys of a deployment."""

from globalchat.cli.lazy import Entry, LazyGroup

command = LazyGroup(
    "keys",
    entries={
        "list": Entry("key_list", "Show the keys of every region, without the keys themselves."),
        "rotate": Entry("key_rotate", "Make new keys; the old ones expire later, or now."),
        "revoke": Entry("key_revoke", "End keys now."),
    },
    help="The API keys of a deployment on AWS; needs AWS credentials.",
)
