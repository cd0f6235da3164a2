"""The packaged templates, changed."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from globalchat.core.resources import TEMPLATES, TEMPLATES_WITHOUT_HISTORY

Template = dict[str, Any]


def templates() -> Iterator[tuple[str, Template]]:
    """The name and the content of every packaged template."""
    for file in sorted(TEMPLATES.glob("*.template.json")):
        yield file.name, json.loads(file.read_text(encoding="utf-8"))


def edit(folder: Path, name: str, change: Callable[[Template], None]) -> None:
    """Change a template in a folder, which starts as a copy of the packaged ones."""
    if not (folder / "manifest.json").exists():
        shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    file = folder / name
    template = json.loads(file.read_text(encoding="utf-8"))
    change(template)
    file.write_text(json.dumps(template), encoding="utf-8")


def of_type(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical id and properties of the resources of a type."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource["Properties"]


def forget_a_variable(template: Template) -> None:
    """Let Broadcast's operation leave out `sentAt`: `publishFromBus` then answers with errors."""
    _edit_operation(template, lambda operation: operation.replace(", sentAt: $sentAt", ""))


def before_history(folder: Path) -> Path:
    """Make a deployment from before there was a history in a folder: without `arrival` and authors, too."""
    shutil.copytree(TEMPLATES_WITHOUT_HISTORY, folder, dirs_exist_ok=True)
    fields = r"\n  (arrival|historyDays|historySince|history\(.*\)): .*|\ntype HistoryPage [^}]*}\n"
    for file in folder.glob("*-api.template.json"):
        template = json.loads(file.read_text(encoding="utf-8"))
        _remove_resolver(template, "GraphqlHistoryResolver")
        _edit_definition(template, lambda schema: re.sub(fields, "", schema))
        _edit_operation(template, lambda operation: operation.replace(" arrival", ""))
        file.write_text(json.dumps(template), encoding="utf-8")
    return before_authors(folder)


def before_authors(folder: Path) -> Path:
    """Make a deployment from before messages had authors in a folder, which starts as the packaged one."""
    if not (folder / "manifest.json").exists():
        shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    for file in folder.glob("*-api.template.json"):
        template = json.loads(file.read_text(encoding="utf-8"))
        _remove_resolver(template, "GraphqlWhoamiResolver")
        _edit_definition(template, lambda schema: re.sub(r"\n *(author|whoami): String.*", "", schema))
        _edit_operation(template, lambda operation: re.sub(_AUTHOR, " ", operation))
        file.write_text(json.dumps(template), encoding="utf-8")
    return folder


_AUTHOR = r" \$author: String,| author: \$author,|(?<=sender) author(?= )"


def _remove_resolver(template: Template, prefix: str) -> None:
    for name in [name for name in template["Resources"] if name.startswith(prefix)]:
        del template["Resources"][name]


def _edit_definition(template: Template, change: Callable[[str], str]) -> None:
    for _, schema in of_type(template, "AWS::AppSync::GraphQLSchema"):
        schema["Definition"] = change(schema["Definition"])


def _edit_operation(template: Template, change: Callable[[str], str]) -> None:
    for _, rule in of_type(template, "AWS::Events::Rule"):
        for target in rule["Targets"]:
            if "AppSyncParameters" in target:
                parameters = target["AppSyncParameters"]
                parameters["GraphQLOperation"] = change(parameters["GraphQLOperation"])
