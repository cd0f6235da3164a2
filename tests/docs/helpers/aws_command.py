"""Reads a line of AWS's command line as AWS's own models know it, without calling anything."""

import re
import shlex
from functools import cache

import jmespath
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

GLOBAL_OPTIONS = frozenset({"query", "output", "region", "profile"})
_SESSION = Session()


@cache
def _service(name: str) -> ServiceModel:
    return ServiceModel(_SESSION.get_service_data(name), name)


def faults(line: str) -> list[str]:
    """List the faults of a line: unknown service, operation, option or a query that does not compile."""
    call = re.sub(r"^[a-z]+=\$\((.*)\)$", r"\1", line)
    words = shlex.split(re.sub(r'"\$\(([^)]*)\)"', "SUBSTITUTED", call))
    _, service, operation, *rest = words
    if service not in _SESSION.get_available_services():
        return [f"no service {service}"]
    model = _service(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"no operation {operation}"]
    return _option_faults(model.operation_model(names[operation]), rest)


def _option_faults(operation: OperationModel, words: list[str]) -> list[str]:
    shape = operation.input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    given = {word.removeprefix("--") for word in words if word.startswith("--")}
    found = [f"no option --{option}" for option in sorted(given - GLOBAL_OPTIONS - members.keys())]
    required = {xform_name(name, "-") for name in (shape.required_members if shape else ())}
    found += [f"lacks --{option}" for option in sorted(required - given)]
    if "--query" in words:
        try:
            jmespath.compile(words[words.index("--query") + 1])
        except jmespath.exceptions.ParseError as error:
            found.append(f"--query: {error}")
    return found
