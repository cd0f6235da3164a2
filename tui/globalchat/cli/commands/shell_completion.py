"""`globalchat completion`: the script for a shell, and the words with which it completes.

The scripts are our own, since click's set variables in the user's shell, and call `globalchat` whatever was
typed (`.venv/bin/globalchat`, `~/bin/globalchat`). They use click's protocol. The words come only from local
files: nothing is started, and no backend is asked.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from globalchat.cli import profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.output import printable, write_exactly
from globalchat.client.profiles import LOCAL
from globalchat.core.errors import UserError
from globalchat.core.files import read_text, user_folders
from globalchat.core.text import sanitize

BASH = r"""
_globalchat_completion() {
    local IFS=$'\n' program=${1//\\/} response type value
    [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}
    COMPREPLY=()
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \
        _GLOBALCHAT_COMPLETE=bash_complete "$program" 2>/dev/null) || return 0
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
}

complete -o nosort -F _globalchat_completion globalchat
"""

ZSH = r"""
#compdef globalchat

_globalchat_completion() {
    local program=${(Q)words[1]} type key descr
    local -a completions completions_with_descriptions response
    [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
        _GLOBALCHAT_COMPLETE=zsh_complete "$program" 2>/dev/null)}")
    for type key descr in "${response[@]}"; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $descr == _ ]]; then
                    completions+=("$key")
                else
                    completions_with_descriptions+=("$key:$descr")
                fi ;;
        esac
    done
    (( $#completions_with_descriptions )) && _describe -V unsorted completions_with_descriptions -U
    (( $#completions )) && compadd -U -V unsorted -a completions
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _globalchat_completion "$@"
else
    compdef _globalchat_completion globalchat
fi
"""

FISH = r"""
function _globalchat_completion
    set -l completion
    set -l metadata
    set -l program (string replace -r '^~/' "$HOME/" -- (commandline -opc)[1])
    set -l response (env _GLOBALCHAT_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) \
        COMP_CWORD=(commandline -t) $program 2>/dev/null)
    for completion in $response
        set metadata (string split -m 1 "," -- $completion)
        switch $metadata[1]
            case dir
                __fish_complete_directories $metadata[2]
            case file
                __fish_complete_path $metadata[2]
            case plain
                echo $metadata[2]
        end
    end
end

complete --no-files --command globalchat --arguments "(_globalchat_completion)"
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

HELP = """Print the completion script for a shell, to evaluate in its start-up file.

It completes commands, options, and the profiles, regions and channels known on this machine, for globalchat
under any path, such as .venv/bin/globalchat.

\b
Examples:
  eval "$(globalchat completion bash)"                    # in ~/.bashrc; needs bash 4.4
  eval "$(globalchat completion zsh)"                     # in ~/.zshrc, after compinit
  globalchat completion fish > ~/.config/fish/completions/globalchat.fish
"""
_PLAIN = re.compile(r"[\w@%+=:./-]+")

Words = Callable[[click.Context], Iterable[tuple[str, str | None]]]
"""The possible values of a parameter, each with a hint."""


@click.command("completion", cls=CliCommand, help=HELP)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> int:
    """Run `globalchat completion`."""
    write_exactly(SCRIPTS[shell].strip())
    return 0


def add_completers(command: click.Command) -> click.Command:
    """Set the completion of the parameters of a command and its subcommands by name; return the command."""
    for param in command.params:
        # An option's own completion takes precedence: --region of `subscribe` also accepts `all`.
        if param.name in COMPLETERS and param._custom_shell_complete is None:
            param._custom_shell_complete = _completer(COMPLETERS[param.name])
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_completers(each)
    return command


def regions(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    """Yield the aliases of a profile's regions, and `auto`."""
    yield from _regions(_profile(ctx)).items()
    yield "auto", "the one that answers first"


def _ends(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    return _regions(_profile(ctx)).items()


def _profiles(_: click.Context) -> Iterable[tuple[str, str | None]]:
    from globalchat.client.profiles import names

    yield from ((name, None) for name in names(user_folders().config))
    yield LOCAL, "the local cloud"


def _channels(ctx: click.Context) -> Iterable[tuple[str, str | None]]:
    return ((name, None) for name in _known_channels(_profile(ctx)))


def _faults(_: click.Context) -> Iterable[tuple[str, str | None]]:
    from globalchat.localcloud.faults import FAULT_KINDS

    return ((kind.name + ("=" if kind.unit else ""), kind.help) for kind in FAULT_KINDS.values())


COMPLETERS: Mapping[str, Words] = {
    "profile": _profiles,
    "region": regions,
    "source": _ends,
    "target": _ends,
    "channel": _channels,
    "channels": _channels,
    "faults": _faults,
}
"""The completion by parameter name, which is the same in every command."""


def _completer(words: Words) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return matching(words, ctx, incomplete)

    return complete


def matching(words: Words, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the words with the typed prefix; none, without a message, if a profile cannot be read.

    Words that a shell would have to quote are left out, as bash inserts a word unchanged.
    """
    found: list[CompletionItem] = []
    # A message would appear in the middle of the line being typed.
    with suppress(UserError, OSError):
        found.extend(
            CompletionItem(word, help=hint and printable(hint))
            for word, hint in words(ctx)
            if word.startswith(incomplete) and _is_plain(word)
        )
    return found


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None and sanitize(word, name=True) == word


def _profile(ctx: click.Context) -> str:
    return profiles.choose(ctx.params.get("profile"))


def _regions(profile: str) -> Mapping[str, str | None]:
    if profile == LOCAL:
        from globalchat.localcloud.provisioning.assembly import packaged_regions

        return dict(packaged_regions())
    return dict(profiles.region_names(profile))


def _known_channels(profile: str) -> list[str]:
    """Return the channels that this machine deployed for the profile, or those of the project."""
    from globalchat.core.resources import resource

    return _deployed_channels(profile) or _channels_in(resource("cdk.json"))


def _deployed_channels(profile: str) -> list[str]:
    if profile == LOCAL:
        return []
    from globalchat.client.profiles import load
    from globalchat_infra.names import prefix_of

    folders = user_folders()
    first = next(iter(load(profile, folders.config).regions.values()))
    prefix = prefix_of(first.event_bus)
    return [] if prefix is None else _channels_in(folders.cache / "deploy" / prefix / "cdk.json")


def _channels_in(file: Path) -> list[str]:
    """Return the channels of a `cdk.json` without validation, which takes too long for a key press."""
    try:
        context = json.loads(read_text(file))["context"]["globalchat"]
        return [str(name) for name in context["channels"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
