"""`globalchat completion`: the script that lets a shell complete commands, options and names.

The scripts are ours, as click's set variables of the shell that completes, and call `globalchat` whatever was
typed (`.venv/bin/globalchat`, `~/bin/globalchat`). Between program and script they speak click's protocol.
"""

import click

from globalchat.cli.arguments.command import Command

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


HELP = """Print the completion script for SHELL: for its start-up file, or to try at once.

It completes commands, options, and the profiles, regions and channels that this machine knows of, for
globalchat as it is typed: .venv/bin/globalchat, too.

\b
Examples:
  eval "$(globalchat completion bash)"                    # in ~/.bashrc; needs bash 4.4
  eval "$(globalchat completion zsh)"                     # in ~/.zshrc, after compinit
  globalchat completion fish > ~/.config/fish/completions/globalchat.fish
"""


@click.command("completion", cls=Command, help=HELP)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> int:
    """Run `globalchat completion`."""
    from globalchat.cli.console.output import write_exactly

    write_exactly(SCRIPTS[shell].strip())
    return 0
