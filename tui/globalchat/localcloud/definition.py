"""The resolved definition of synthesised templates, without intrinsic functions.

The provisioner (`globalchat.localcloud.provision`) makes it; AppSync and EventBridge run it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from globalchat.localcloud.json_text import JSON as JSON

AuthMode = Literal["API_KEY", "AWS_IAM"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an IAM policy: `resources` is empty in a trust policy, `principals` in a role's."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role: who may assume it (`trust`) and what it may do (`statements`)."""

    arn: str
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue, for dead letters or as a rule's target, with its resource policy."""

    arn: str
    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute of a table: its name, and whether it holds a string or a number."""

    name: str
    type: Literal["S", "N"]


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table. `ttl_attribute` holds the epoch second after which an item may be deleted."""

    arn: str
    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    ttl_attribute: str | None = None
    is_protected: bool = False


@dataclass(frozen=True, slots=True)
class DataSource:
    """An AppSync data source; each type but `NONE` has a role, and the bus or table that it acts on."""

    name: str
    type: Literal["NONE", "AMAZON_EVENTBRIDGE", "AMAZON_DYNAMODB"]
    bus_arn: str | None = None
    role_arn: str | None = None
    table_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Resolver:
    """A unit resolver: one APPSYNC_JS file against one data source. `file` is what errors name."""

    type_name: str
    field_name: str
    data_source: str
    code: str
    file: str


@dataclass(frozen=True, slots=True)
class Api:
    """An AppSync GraphQL API.

    Rule targets name the `endpoint_arn`, policies the `arn`. `modes` starts with the default.
    A limit of 0 is none: queries may be as deep as the schema, and run as many resolvers as AppSync allows.
    """

    id: str
    arn: str
    endpoint_arn: str
    name: str
    region: str
    account: str
    schema: str
    modes: tuple[AuthMode, ...]
    environment: Mapping[str, str]
    data_sources: Mapping[str, DataSource]
    resolvers: tuple[Resolver, ...]
    has_api_key: bool
    query_depth_limit: int = 0
    resolver_count_limit: int = 0
    has_introspection: bool = True


@dataclass(frozen=True, slots=True)
class TargetRetryPolicy:
    """When EventBridge gives up a delivery (defaults: 185 attempts, 24 h)."""

    maximum_attempts: int = 185
    maximum_age_seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class InputTransformer:
    """A template whose placeholders `<name>` are replaced by the value at the path of that name."""

    paths: Mapping[str, str]
    template: str


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """One target of a rule: an AppSync endpoint (with its operation), a bus or a queue (without a role).

    At most one of `input` (constant JSON text), `input_path` and `transformer` is set; none of them sends
    the whole event.
    """

    id: str
    arn: str
    role_arn: str | None
    dead_letter_arn: str | None
    retry: TargetRetryPolicy
    graphql_operation: str | None = None
    input: str | None = None
    input_path: str | None = None
    transformer: InputTransformer | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: events of its bus that match `pattern` go to `targets`."""

    arn: str
    name: str
    bus_arn: str
    pattern: Mapping[str, JSON]
    targets: tuple[RuleTarget, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class EventBus:
    """A custom event bus (EventBridge Classic)."""

    arn: str
    name: str


@dataclass(frozen=True, slots=True)
class RegionDefinition:
    """Everything in one AWS region; `alias` is its name for users (`oregon`)."""

    region: str
    alias: str
    account: str
    apis: tuple[Api, ...]
    buses: tuple[EventBus, ...]
    rules: tuple[Rule, ...]
    queues: tuple[Queue, ...]
    outputs: Mapping[str, str]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudDefinition:
    """All regions of one assembly; `roles` are global, as in IAM, and looked up by ARN."""

    regions: tuple[RegionDefinition, ...]
    roles: Mapping[str, Role]
