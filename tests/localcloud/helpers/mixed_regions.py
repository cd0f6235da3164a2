"""Templates of a deployment that is updated region by region: Sydney is still from before history."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from globalchat.core.resources import TEMPLATES, TEMPLATES_WITHOUT_HISTORY

OLD = "globalchat-sydney-api.template.json"
_LATER_FIELDS = ("author", "arrival", "historyDays", "historySince", "whoami", "history")
_LATER_RESOLVERS = ("history", "whoami")


def write(folder: Path) -> Path:
    """Write them; return the folder."""
    shutil.copytree(TEMPLATES, folder)
    template = json.loads((TEMPLATES_WITHOUT_HISTORY / OLD).read_text(encoding="utf-8"))
    (folder / OLD).write_text(json.dumps(before_history(template)), encoding="utf-8")
    return folder


def before_history(template: dict[str, Any]) -> dict[str, Any]:
    """Take out of a template without history what came with it and later."""
    resources: dict[str, Any] = template["Resources"]
    for name, resource in list(resources.items()):
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::AppSync::GraphQLSchema":
                properties["Definition"] = _schema(properties["Definition"])
            case "AWS::AppSync::Resolver" if properties["FieldName"] in _LATER_RESOLVERS:
                del resources[name]
            case "AWS::AppSync::Resolver" if properties["FieldName"] == "publish":
                properties["Code"] = re.sub(r"detail\.author = [^;]+;", "", properties["Code"])
            case "AWS::Events::Rule":
                _rule(properties)
    return template


def _schema(text: str) -> str:
    lines = [line for line in text.splitlines() if not re.match(rf"\s+({'|'.join(_LATER_FIELDS)})\b", line)]
    return re.sub(r"type HistoryPage[^}]*\}", "", "\n".join(lines))


def _rule(properties: dict[str, Any]) -> None:
    pattern = json.dumps(properties["EventPattern"]).replace(', "message repaired"', "")
    properties["EventPattern"] = json.loads(pattern)
    for target in properties["Targets"]:
        if "AppSyncParameters" in target:
            operation = target["AppSyncParameters"]["GraphQLOperation"]
            operation = re.sub(r", (\$author: String|author: \$author)| author| arrival", "", operation)
            target["AppSyncParameters"]["GraphQLOperation"] = operation
