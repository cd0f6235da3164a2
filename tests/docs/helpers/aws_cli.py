"""As much of AWS's command line as the pages use: `aws SERVICE OPERATION --option …`, on botocore's models.

The real one pins a botocore of its own, so it cannot be a requirement of the tests.
"""

import json
import sys
from collections.abc import Iterator

import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape
from botocore.session import Session


def main(words: list[str]) -> int:
    """Make the call and print what the query selects of its answer."""
    service, name, *rest = words
    options = dict(_options(rest))
    region = next(iter(options.pop("region", [])), None)
    query = next(iter(options.pop("query", [])), "@")
    output = next(iter(options.pop("output", [])), "json")
    client = Session().create_client(service, region_name=region)
    operations = {xform_name(each, "-"): each for each in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(operations[name])
    try:
        answer = getattr(client, xform_name(model.name))(**_parameters(model, options))
    except ClientError as error:
        sys.stderr.write(f"{error}\n")
        return 254
    del answer["ResponseMetadata"]
    found = jmespath.search(query, answer)
    if output == "text":
        sys.stdout.write(f"{found}\n")
    elif found != {}:
        sys.stdout.write(f"{json.dumps(found, indent=4)}\n")
    return 0


def _options(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each option with the words that follow it."""
    starts = [index for index, word in enumerate(words) if word.startswith("--")]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        yield words[start].removeprefix("--"), words[start + 1 : end]


def _parameters(model: OperationModel, options: dict[str, list[str]]) -> dict[str, object]:
    shape = model.input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    return {
        members[option]: _value(shape.members[members[option]], values) for option, values in options.items()
    }


def _value(shape: Shape, values: list[str]) -> object:
    if shape.type_name == "integer":
        return int(values[0])
    if shape.type_name in ("list", "structure") and values[0][:1] in ("[", "{"):
        return json.loads(values[0])
    return values if shape.type_name == "list" else values[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
