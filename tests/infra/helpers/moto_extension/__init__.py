"""What moto's CloudFormation lacks for our stacks: resource types, and repairs of its faults.

It leans on moto's internals, so it works with one version only.
"""

import os
from importlib.metadata import version

MOTO = "5.2.5"


def install() -> None:
    """Register the resource types and the repairs, before the first call of CloudFormation.

    Raises:
        RuntimeError: another version of moto is installed.
    """
    if (found := version("moto")) != MOTO:
        raise RuntimeError(
            f"The extension was written for moto {MOTO}, not {found}: check every patch point."
        )
    # Each reset would make some thousand machine images with random ids: half of the tests' time.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    from tests.infra.helpers.moto_extension import api_variables, repairs, types, updates

    types.register()
    repairs.apply()
    updates.apply()
    api_variables.apply()
