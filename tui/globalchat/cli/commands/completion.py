"""`globalchat completion`: the script that lets a shell complete commands, options and names."""

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the completion script for SHELL: for its start-up file, or to try at once.

    It completes commands, options, and the profiles, regions and channels that this machine knows of.

    \b
    Examples:
      eval "$(globalchat completion bash)"                    # in ~/.bashrc; needs bash 4.4
      eval "$(globalchat completion zsh)"                     # in ~/.zshrc, after compinit
      globalchat completion fish > ~/.config/fish/completions/globalchat.fish
    """  # noqa: D301 - \b is what click leaves a block alone for
    from click.shell_completion import get_completion_class

    from globalchat.cli.console.output import write_exactly
    from globalchat.cli.main import root

    made = get_completion_class(shell)
    if made is None:
        raise AssertionError(f"click no longer completes {shell}")
    script = made(root, {}, "globalchat", "_GLOBALCHAT_COMPLETE").source()
    # click's script for fish would end every hint at its first comma.
    write_exactly(script.replace('split ","', 'split -m 1 ","'))
    return 0
