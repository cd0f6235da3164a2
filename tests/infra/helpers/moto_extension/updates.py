# ruff: noqa: ANN401
"""What an update of a stack does on AWS and moto leaves out: resources that are replaced, and conditions.

A role of another name is another role: the new one is made first, what refers to it is updated, and the old
one goes last. A resource is made or deleted when its condition changes, though its text stays the same, and
left alone when the parameters that it refers to keep their values.

One stack is changed at a time: moto's server has a thread per request, and IAM is one for all regions. While
it looked through its roles for a stack in one region, a stack in another added one ("dictionary changed size
during iteration").
"""

from threading import RLock
from typing import Any

from moto.cloudformation.parsing import ResourceMap
from moto.iam.models import Role, iam_backends

PATCH_POINTS = (
    (ResourceMap, "build_resource_diff"),
    (ResourceMap, "update"),
    (ResourceMap, "delete"),
    (Role, "update_from_cloudformation_json"),
)

_one_stack_at_a_time = RLock()
_replaced_roles: list[Role] = []


def apply() -> None:
    """Put the repairs in place; again changes nothing."""
    if getattr(ResourceMap.update, "repaired", False):
        return
    diff, update, delete = ResourceMap.build_resource_diff, ResourceMap.update, ResourceMap.delete
    update_role = Role.update_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def repaired_diff(stack: Any, template: Any, parameters: Any = None) -> dict[str, list[str]]:
        # Moto takes a parameter for changed that has its previous value again.
        changed_values = {
            name: value
            for name, value in (parameters or {}).items()
            if str(stack.resolved_parameters.get(name)) != str(value)
        }
        actions: dict[str, list[str]] = diff(stack, template, changed_values)
        _apply_conditions(stack, template, parameters or {}, actions)
        changed = {name for name in actions["Modify"] if _is_renamed_role(stack, template, name)}
        for name, resource in template["Resources"].items():
            if name not in {*actions["Add"], *actions["Modify"]} and changed & _references(resource):
                actions["Modify"].append(name)
        actions["Modify"].sort(key=lambda name: name not in changed)
        return actions

    def repaired_update(stack: Any, template: Any, parameters: Any = None) -> None:
        with _one_stack_at_a_time:
            gone = stack.build_resource_diff(template, parameters)["Remove"]
            update(stack, template, parameters)
            for name in gone:
                stack._parsed_resources.pop(name, None)
            # A stack has the parameters of its template, not those of earlier ones.
            for held in (stack.input_parameters, stack.resolved_parameters):
                for name in held.keys() - template.get("Parameters", {}).keys():
                    del held[name]
            while _replaced_roles:
                _delete(_replaced_roles.pop(), stack)

    def repaired_delete(stack: Any) -> None:
        with _one_stack_at_a_time:
            delete(stack)

    def repaired_role(cls: Any, /, original_resource: Any, **others: Any) -> Any:
        name = others["cloudformation_json"]["Properties"].get("RoleName", original_resource.name)
        if name == original_resource.name:
            return update_role(cls, original_resource, **others)
        _replaced_roles.append(original_resource)
        return cls.create_from_cloudformation_json(
            name, others["cloudformation_json"], others["account_id"], others["region_name"]
        )

    setattr(repaired_update, "repaired", True)  # noqa: B010 - mypy sees a function
    setattr(ResourceMap, "build_resource_diff", repaired_diff)  # noqa: B010 - mypy sees a method
    setattr(ResourceMap, "update", repaired_update)  # noqa: B010 - mypy sees a method
    setattr(ResourceMap, "delete", repaired_delete)  # noqa: B010 - mypy sees a method
    setattr(Role, "update_from_cloudformation_json", classmethod(repaired_role))  # noqa: B010


def _delete(role: Role, stack: Any) -> None:
    role.policies.clear()
    iam_backends[stack._account_id]["aws"].delete_role(role.name)


def _is_renamed_role(stack: Any, template: Any, name: str) -> bool:
    old, new = stack._resource_json_map[name], template["Resources"][name]
    names = [each["Properties"].get("RoleName") for each in (old, new)]
    return bool(new["Type"] == "AWS::IAM::Role" and names[0] != names[1])


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _references(each)}
    if not isinstance(value, dict):
        return set()
    if "Ref" in value:
        return {value["Ref"]}
    if "Fn::GetAtt" in value:
        return {value["Fn::GetAtt"][0]}
    return _references(list(value.values()))


def _apply_conditions(stack: Any, template: Any, parameters: Any, actions: dict[str, list[str]]) -> None:
    for name, resource in template["Resources"].items():
        if "Condition" not in resource:
            continue
        had = name in stack._resource_json_map and stack._parsed_resources.get(name) is not None
        wanted = _holds(template, resource["Condition"], {**stack.input_parameters, **parameters})
        if had and wanted:
            continue
        for listed in actions.values():
            if name in listed:
                listed.remove(name)
        if had:
            actions["Remove"].append(name)
        elif wanted:
            actions["Add"].append(name)
    # What a condition left out was never made.
    actions["Remove"] = [each for each in actions["Remove"] if stack._parsed_resources.get(each) is not None]


def _holds(template: Any, condition: str, parameters: Any) -> bool:
    """Evaluate a condition that compares one parameter, which is all that our templates have."""
    reference, value = template["Conditions"][condition]["Fn::Equals"]
    name = reference["Ref"]
    return bool(str(parameters.get(name, template["Parameters"][name]["Default"])) == value)
