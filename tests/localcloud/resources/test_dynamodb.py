"""Tables in templates: what is taken, and what is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from globalchat.localcloud.definition import KeyAttribute, RegionDefinition, Table
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack
from globalchat.localcloud.provisioning.provisioner import provision
from tests.localcloud.helpers import notes_app
from tests.localcloud.helpers.notes_app import REGION, TABLE_ARN
from tests.localcloud.helpers.small_backend import Template

Change = Callable[[dict[str, Any]], object]


def provisioned(template: Template) -> RegionDefinition:
    stack = Stack("notes", REGION, "notes.template.json", template)
    (region,) = provision(CloudAssembly((stack,)), urls={REGION: "http://127.0.0.1:1"}).regions
    return region


def with_table(change: Change) -> Template:
    template = notes_app.template()
    change(template["Resources"]["Table"]["Properties"])
    return template


def test_a_table_is_read() -> None:
    region = provisioned(notes_app.template())
    assert region.tables == (
        Table(TABLE_ARN, "notes", KeyAttribute("topic", "S"), KeyAttribute("place", "S"), "expires"),
    )
    assert region.outputs == {"table": TABLE_ARN}
    source = region.apis[0].data_sources["notes"]
    assert (source.type, source.table_arn) == ("AMAZON_DYNAMODB", TABLE_ARN)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table["TimeToLiveSpecification"].update(Enabled=False), {"ttl_attribute": None}),
        (lambda table: table.pop("TimeToLiveSpecification"), {"ttl_attribute": None}),
        (lambda table: table.update(DeletionProtectionEnabled=True), {"is_protected": True}),
        (
            lambda table: (table["KeySchema"].pop(), table["AttributeDefinitions"].pop()),
            {"sort_key": None},
        ),
        (
            lambda table: table["AttributeDefinitions"][1].update(AttributeType="N"),
            {"sort_key": KeyAttribute("place", "N")},
        ),
    ],
)
def test_variants_are_read(change: Change, expected: dict[str, object]) -> None:
    (table,) = provisioned(with_table(change)).tables
    assert {name: getattr(table, name) for name in expected} == expected


def test_a_table_without_a_name_gets_one() -> None:
    (table,) = provisioned(with_table(lambda table: table.pop("TableName"))).tables
    assert table.name.startswith("notes-Table-")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.update(GlobalSecondaryIndexes=[]), "(secondary indexes)"),
        (lambda table: table.update(LocalSecondaryIndexes=[]), "(secondary indexes)"),
        (lambda table: table.update(StreamSpecification={}), "(streams)"),
        (lambda table: table.update(Colour="red"), "property Colour is not emulated"),
        (lambda table: table.update(BillingMode="PROVISIONED"), "only PAY_PER_REQUEST is emulated"),
        (lambda table: table.pop("BillingMode"), "the default, PROVISIONED, is not emulated"),
        (lambda table: table.pop("KeySchema"), "property KeySchema is missing"),
        (lambda table: table.update(TableName="no"), "AWS takes at least 3"),
        (lambda table: table.update(TableName="a b c"), "TableName is not a name"),
        (lambda table: table["AttributeDefinitions"][0].update(AttributeType="B"), "has the value B"),
        (lambda table: table["KeySchema"].reverse(), "KeySchema is not a HASH key"),
        (lambda table: table["AttributeDefinitions"].pop(), "does not define exactly the key attributes"),
        (lambda table: table["KeySchema"][1].update(AttributeName="topic"), "exactly the key attributes"),
        (lambda table: table["TimeToLiveSpecification"].pop("AttributeName"), "AttributeName is missing"),
        (lambda table: table["SSESpecification"].update(SSEType="AES256"), "has the value AES256"),
    ],
)
def test_what_is_refused_is_named(change: Change, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        provisioned(with_table(change))
    assert sentence in str(caught.value)
    assert "resource Table" in str(caught.value)


def test_two_tables_of_one_name_are_refused() -> None:
    template = notes_app.template()
    template["Resources"]["Again"] = notes_app.table()
    with pytest.raises(TemplateError, match=f"has the name of Table: {TABLE_ARN}"):
        provisioned(template)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda source: source.pop("DynamoDBConfig"), "property DynamoDBConfig is missing"),
        (lambda source: source.pop("ServiceRoleArn"), "property ServiceRoleArn is missing"),
        (lambda source: source["DynamoDBConfig"].update(TableName="none"), "names none, a table that no"),
        (lambda source: source["DynamoDBConfig"].update(AwsRegion="eu-west-1"), "no template of eu-west-1"),
        (lambda source: source["DynamoDBConfig"].update(Versioned=True), "only false is emulated"),
        (lambda source: source["DynamoDBConfig"].update(DeltaSyncConfig={}), "(versioned data sources)"),
        (lambda source: source["DynamoDBConfig"].update(UseCallerCredentials=True), "only false is emulated"),
    ],
)
def test_a_data_source_needs_its_table_and_its_role(change: Change, sentence: str) -> None:
    template = notes_app.template()
    change(template["Resources"]["Source"]["Properties"])
    with pytest.raises(TemplateError) as caught:
        provisioned(template)
    assert sentence in str(caught.value)
