"""Builds roles and dead-letter queues, with the policies that templates attach to them."""

from collections.abc import Iterable, Sequence

from globalchat.localcloud.definition import Queue, Role, Statement
from globalchat.localcloud.errors import Problems
from globalchat.localcloud.provisioning.resource import Resource
from globalchat.localcloud.resources import iam, sqs
from globalchat.localcloud.resources.policies import parse
from globalchat.localcloud.resources.shape import objects_of, texts_of


def roles(resources: Sequence[Resource], problems: Problems) -> dict[str, Role]:
    """All roles by ARN; each policy of its own or attached by AWS::IAM::Policy counts.

    Two roles of one name and a policy for a role that does not exist are problems.
    """
    own = {resource.values.ref: resource for resource in _unique(resources, iam.ROLE.name, problems)}
    statements: dict[str, list[Statement]] = {
        name: [
            statement
            for policy in objects_of(role.properties, "Policies")
            for statement in parse(policy["PolicyDocument"], "PolicyDocument", "identity")
        ]
        for name, role in own.items()
    }
    for policy in _of(resources, iam.POLICY.name):
        for name in texts_of(policy.properties, "Roles"):
            if name not in statements:
                problem = f"property Roles names {name}, which no template defines"
                problems.add(policy.error(problem))
                continue
            statements[name] += parse(policy.properties["PolicyDocument"], "PolicyDocument", "identity")
    return {
        role.arn: Role(
            arn=role.arn,
            trust=parse(role.properties["AssumeRolePolicyDocument"], "AssumeRolePolicyDocument", "trust"),
            statements=tuple(statements[name]),
        )
        for name, role in own.items()
    }


def queues(resources: Sequence[Resource], problems: Problems) -> tuple[Queue, ...]:
    """The queues of one region, each with the statements of its policies.

    Two queues of one name and a policy for a queue that does not exist are problems.
    """
    own = {resource.values.ref: resource for resource in _unique(resources, sqs.QUEUE.name, problems)}
    statements: dict[str, list[Statement]] = {url: [] for url in own}
    for policy in _of(resources, sqs.QUEUE_POLICY.name):
        for url in texts_of(policy.properties, "Queues"):
            if url not in statements:
                problem = f"property Queues names {url}, which no template of its region defines"
                problems.add(policy.error(problem))
                continue
            statements[url] += parse(policy.properties["PolicyDocument"], "PolicyDocument", "resource")
    return tuple(
        Queue(queue.arn, queue.values.attributes["QueueName"], tuple(statements[url]))
        for url, queue in own.items()
    )


def _of(resources: Iterable[Resource], type_name: str) -> list[Resource]:
    return [resource for resource in resources if resource.type.name == type_name]


def _unique(resources: Iterable[Resource], type_name: str, problems: Problems) -> Iterable[Resource]:
    """The resources of a type; two of one ARN are a problem, for the second deployment would fail."""
    found: dict[str, Resource] = {}
    for resource in _of(resources, type_name):
        if resource.arn in found:
            other = found[resource.arn].identity.logical_id
            problems.add(resource.error(f"has the name of {other}: {resource.arn}"))
        found[resource.arn] = resource
    return found.values()
