"""`globalchat local`: the local cloud's own commands."""

from cli.lazy import Entry, LazyGroup

command = LazyGroup(
    "local",
    entries={
        "serve": Entry("cli.commands.local.serve", "Run the local cloud here, until Ctrl-C."),
        "up": Entry("cli.commands.local.up", "Start it in the background, or join the one that runs."),
        "down": Entry("cli.commands.local.down", "End the one that runs."),
        "status": Entry("cli.commands.local.status", "Tell whether one runs, and how it does."),
        "faults": Entry("cli.commands.local.faults", "Show, set and clear what goes wrong on purpose."),
        "dlq": Entry("cli.commands.local.dlq", "Show what could not be delivered, and deliver it again."),
        "env": Entry("cli.commands.local.env", "Print its administrator's credentials for a shell."),
    },
    help="Both regions on this machine: no AWS account, nothing leaves loopback.",
)
