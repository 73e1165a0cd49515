"""`xnatctl completion SHELL`: a script that asks `xnatctl` what can follow.

The script knows nothing of the tools, so it never goes stale: a tool installed tomorrow completes
tomorrow. `xnatctl __complete WORD…` answers with lines of `word<TAB>description`; where it has no
answer the shell offers files.
"""

from __future__ import annotations

from xnatctl.aliases import TOOLS

BASH = """\
_xnatctl() {
    local IFS=$'\\n'
    local found
    found=($(xnatctl __complete "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null))
    COMPREPLY=("${found[@]%%$'\\t'*}")
}
complete -o bashdefault -o default -F _xnatctl @TOOLS@
"""
# The same text works from a folder of $fpath, where it is called, and from a start-up file.
ZSH = """\
#compdef @TOOLS@
_xnatctl() {
    local -a found
    found=("${(@f)$(xnatctl __complete "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    found=("${(@)${(@)found:#}//:/\\\\:}")
    if (( ${#found} )); then
        found=("${(@)found/$'\\t'/:}")
        _describe 'xnatctl' found
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _xnatctl "$@"
else
    compdef _xnatctl @TOOLS@
fi
"""
FISH = """\
function __xnatctl_complete
    set -l current (commandline -ct)
    set -l found (xnatctl __complete (commandline -opc) "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
for name in @TOOLS@
    complete -c $name -f -a '(__xnatctl_complete)'
end
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def script(shell: str) -> str:
    """The script for one of SHELLS."""
    return SHELLS[shell].replace("@TOOLS@", " ".join(("xnatctl", *TOOLS)))
