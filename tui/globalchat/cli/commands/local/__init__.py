"""`globalchat local`: the local cloud's own commands."""

from globalchat.cli.lazy import Entry, LazyGroup

command = LazyGroup(
    "local",
    entries={
        "serve": Entry("local.serve", "Run the local cloud here, until Ctrl-C."),
        "up": Entry("local.up", "Start it in the background, or join the one that runs."),
        "down": Entry("local.down", "End the one that runs."),
        "status": Entry("local.status", "Tell whether one runs, and how it does."),
        "faults": Entry("local.faults", "Show, set and clear what goes wrong on purpose."),
        "dlq": Entry("local.dlq", "Show what could not be delivered, and deliver it again."),
        "env": Entry("local.env", "Print its administrator's credentials for a shell."),
    },
    help="Both regions on this machine: no AWS account, nothing leaves loopback.",
)
