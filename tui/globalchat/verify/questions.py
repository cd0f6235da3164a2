"""The questions to AWS about templates, without a deployment. Pure.

Each question is one call of AWS; the local cloud answers the same arguments, and the two are compared.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from globalchat.localcloud.appsync.evaluation import MAX_CONTEXT
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Problems
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack
from globalchat.localcloud.provisioning.stack import Resource, resolve_stack
from globalchat.verify.resolver_cases import Case, CaseSettings, cases_of
from globalchat.verify.sample_events import ACCOUNT, sample_events

LARGEST_TEMPLATE: Final = 51_200
"""The most bytes of a template for ValidateTemplate (CloudFormation API reference)."""
RUNTIME: Final[Mapping[str, JSON]] = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
_SAMPLE_URL: Final = "https://sample0000000000000000000.appsync-api.us-west-2.amazonaws.com"
_TRUST: Final = "AWS::IAM::AssumeRolePolicyDocument"

Document: TypeAlias = Mapping[str, JSON]
MoreQuestions: TypeAlias = "Callable[[str], Iterable[AwsQuestion]]"


class Kind(Enum):
    """The subject of a question; the value is its name in JSON."""

    RESOLVER = "resolver"
    PATTERN = "pattern"
    TEMPLATE = "template"
    POLICY = "policy"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class AwsAction:
    """An AWS action: its service and operation as in botocore.

    `refusals` are error codes that answer the question, such as an invalid pattern; after any other error the
    question was not answered.
    """

    service: str
    operation: str
    refusals: frozenset[str]

    def __str__(self) -> str:
        """Return its name in policies, such as `appsync:EvaluateCode`."""
        return f"{self.service.replace('accessanalyzer', 'access-analyzer')}:{self.name}"

    @property
    def name(self) -> str:
        """Its name in AWS's API references."""
        return "".join(word.title() for word in self.operation.split("_"))


EVALUATE_CODE: Final = AwsAction("appsync", "evaluate_code", frozenset({"BadRequestException"}))
TEST_EVENT_PATTERN: Final = AwsAction(
    "events", "test_event_pattern", frozenset({"InvalidEventPatternException"})
)
VALIDATE_TEMPLATE: Final = AwsAction("cloudformation", "validate_template", frozenset({"ValidationError"}))
VALIDATE_POLICY: Final = AwsAction("accessanalyzer", "validate_policy", frozenset({"ValidationException"}))
ACTIONS: Final = (EVALUATE_CODE, TEST_EVENT_PATTERN, VALIDATE_TEMPLATE, VALIDATE_POLICY)


@dataclass(frozen=True, slots=True)
class AwsQuestion:
    """One AWS call in a region. `subject` describes it for users."""

    kind: Kind
    subject: str
    region: str
    action: AwsAction
    arguments: Document = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unaskable:
    """A subject about which nothing can be asked, and the reason."""

    kind: Kind
    subject: str
    region: str
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All questions about one assembly, and the subjects without questions."""

    questions: tuple[AwsQuestion, ...]
    unaskable: tuple[Unaskable, ...]

    @property
    def regions(self) -> tuple[str, ...]:
        """The AWS regions that are asked, in turn."""
        return tuple(dict.fromkeys(each.region for each in self.questions))


def catalogue(assembly: CloudAssembly, more: MoreQuestions = lambda _region: ()) -> Catalogue:
    """Return the questions about the stacks of an assembly. Identical questions are asked in only one region.

    Args:
        assembly: the stacks.
        more: questions that are asked in the first region, too.

    Raises:
        TemplateError: the local cloud would not boot the templates.
    """
    stacks = [(stack, _resources(stack)) for stack in assembly.stacks]
    found = [
        *_about_resolvers(stacks),
        *_about_patterns(stacks),
        *(_about_template(stack) for stack, _ in stacks),
        *_about_policies(stacks),
        *more(assembly.stacks[0].region),
    ]
    return Catalogue(
        tuple(_once(each for each in found if isinstance(each, AwsQuestion))),
        tuple(each for each in found if isinstance(each, Unaskable)),
    )


def _resources(stack: Stack) -> tuple[Resource, ...]:
    problems = Problems()
    resolved = resolve_stack(stack, problems, account=ACCOUNT, base_url=_SAMPLE_URL)
    problems.check()
    return resolved.resources if resolved is not None else ()


def _once(questions: Iterable[AwsQuestion]) -> Iterator[AwsQuestion]:
    """Leave out questions that are already asked in another region."""
    seen: set[str] = set()
    for each in questions:
        key = json.dumps([each.action.operation, each.arguments], sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield each


_Stacks: TypeAlias = Sequence[tuple[Stack, tuple[Resource, ...]]]


def _about_resolvers(stacks: _Stacks) -> Iterator[AwsQuestion | Unaskable]:
    """Yield a question for each case of each resolver; regions share the code, so it is asked about once."""
    seen: set[JSON] = set()
    for stack, resources in stacks:
        settings = _settings(resources)
        for resource in _of_type(resources, "AWS::AppSync::Resolver"):
            code, place = resource.properties["Code"], _field_of(resource)
            if code in seen:
                continue
            seen.add(code)
            if not (cases := cases_of(place, settings)):
                yield Unaskable(Kind.RESOLVER, place, stack.region, "there is no case for it")
            for case in cases:
                yield _evaluation(f"{place} {case.function}: {case.name}", stack.region, str(code), case)


def _evaluation(subject: str, region: str, code: str, case: Case) -> AwsQuestion | Unaskable:
    context = json.dumps(case.context, ensure_ascii=False)
    if len(context) > MAX_CONTEXT:
        reason = f"its context is longer than the {MAX_CONTEXT:,} characters that EvaluateCode takes"
        return Unaskable(Kind.RESOLVER, subject, region, reason)
    arguments: dict[str, JSON] = {
        "runtime": dict(RUNTIME),
        "code": code,
        "context": context,
        "function": case.function,
    }
    return AwsQuestion(Kind.RESOLVER, subject, region, EVALUATE_CODE, arguments)


def _settings(resources: Iterable[Resource]) -> CaseSettings:
    """Return the environment variables of a stack's API; none if the stack has no API."""
    apis = _of_type(resources, "AWS::AppSync::GraphQLApi")
    variables = next((api.properties.get("EnvironmentVariables", {}) for api in apis), {})
    return CaseSettings({str(name): str(value) for name, value in dict(_object(variables)).items()})


def _field_of(resolver: Resource) -> str:
    return f"{resolver.properties['TypeName']}.{resolver.properties['FieldName']}"


def _about_patterns(stacks: _Stacks) -> Iterator[AwsQuestion]:
    regions = tuple(dict.fromkeys(stack.region for stack, _ in stacks))
    for stack, resources in stacks:
        for rule in _of_type(resources, "AWS::Events::Rule"):
            pattern = json.dumps(rule.properties["EventPattern"])
            for name, event in sample_events(stack.region, regions):
                arguments = {"EventPattern": pattern, "Event": json.dumps(event)}
                subject = f"{rule.properties.get('Name', rule.identity.logical_id)}: {name}"
                yield AwsQuestion(Kind.PATTERN, subject, stack.region, TEST_EVENT_PATTERN, arguments)


def _about_template(stack: Stack) -> AwsQuestion | Unaskable:
    body = json.dumps(stack.template, separators=(",", ":"))
    if (size := len(body.encode())) > LARGEST_TEMPLATE:
        reason = f"it has {size:,} bytes; ValidateTemplate takes {LARGEST_TEMPLATE:,} without a bucket"
        return Unaskable(Kind.TEMPLATE, stack.name, stack.region, reason)
    return AwsQuestion(Kind.TEMPLATE, stack.name, stack.region, VALIDATE_TEMPLATE, {"TemplateBody": body})


def _about_policies(stacks: _Stacks) -> Iterator[AwsQuestion]:
    for stack, resources in stacks:
        for resource in resources:
            for name, document, kind in _policies(resource):
                arguments: dict[str, JSON] = {
                    "policyDocument": json.dumps(document),
                    "policyType": "IDENTITY_POLICY" if kind == "identity" else "RESOURCE_POLICY",
                }
                if kind == "trust":
                    arguments["validatePolicyResourceType"] = _TRUST
                yield AwsQuestion(
                    Kind.POLICY, f"{stack.name} {name}", stack.region, VALIDATE_POLICY, arguments
                )


def _policies(resource: Resource) -> Iterator[tuple[str, JSON, str]]:
    """Yield the policies of a resource: a name, the document, and `identity`, `resource` or `trust`."""
    properties, own = resource.properties, resource.identity.logical_id
    if "AssumeRolePolicyDocument" in properties:
        yield f"{own} (trust)", properties["AssumeRolePolicyDocument"], "trust"
    if "PolicyDocument" in properties:
        kind = "identity" if resource.type.name == "AWS::IAM::Policy" else "resource"
        yield f"{own} ({kind})", properties["PolicyDocument"], kind
    for inline in _list(properties.get("Policies")):
        yield f"{own} (identity)", _object(inline)["PolicyDocument"], "identity"
    if resource.type.name == "AWS::Events::EventBusPolicy":
        # Access Analyzer takes a whole policy, of which the resource has one statement.
        statement = {**_object(properties["Statement"]), "Sid": properties["StatementId"]}
        yield f"{own} (resource)", {"Version": "2012-10-17", "Statement": [statement]}, "resource"


def _of_type(resources: Iterable[Resource], name: str) -> Iterator[Resource]:
    return (each for each in resources if each.type.name == name)


def _object(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _list(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, list) else ()
