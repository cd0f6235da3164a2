"""Which regions a cloud has, told without starting it."""

from collections.abc import Mapping
from pathlib import Path

from globalchat.localcloud import assembly


def aliases(folder: Path) -> Mapping[str, str]:
    """Alias to AWS region: of the cloud that runs in this state folder, else of the packaged templates.

    Raises:
        TemplateError: the packaged templates are missing or damaged.
    """
    from globalchat.localcloud.process import launch  # what only reads the templates need not wait for it

    if (running := launch.find(folder)) is not None:
        return {region.alias: region.region for region in running.regions}
    return packaged()


def packaged() -> Mapping[str, str]:
    """Alias to AWS region of the packaged templates.

    Raises:
        TemplateError: they are missing or damaged.
    """
    return {assembly.alias_of(stack) or stack.region: stack.region for stack in assembly.read().stacks}
