"""`globalchat local env`: the administrator's credentials and the AWS endpoint, for a shell."""

import shlex

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import narrate, write_exactly

HELP = """Print shell lines that set the local cloud's administrator credentials and AWS endpoint.

With `local serve --tls` they also set what makes clients trust its certificate authority: SSL_CERT_FILE,
REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE, CURL_CA_BUNDLE and NODE_EXTRA_CA_CERTS. All but the last replace the public
authorities in that shell: use another one for the rest of the world.

\b
Examples:
  eval "$(globalchat local env)"
  eval "$(globalchat local env)" && globalchat unsubscribe tech
  eval "$(globalchat local env)" && aws sts get-caller-identity
"""


@click.command("env", cls=Command, help=HELP)
def command() -> int:
    """Run `globalchat local env`."""
    state = local_cloud.join(narrate)
    variables = {
        "AWS_ACCESS_KEY_ID": state.access_key_id,
        "AWS_SECRET_ACCESS_KEY": state.secret_access_key,
        "AWS_ENDPOINT_URL": state.aws_endpoint_url,
        # The AWS CLI reads one, other SDKs the other.
        "AWS_DEFAULT_REGION": state.regions[0].region,
        "AWS_REGION": state.regions[0].region,
    }
    # A token from elsewhere would make AWS's tools sign with a session that our key does not have.
    script = ["unset AWS_SESSION_TOKEN"]
    if state.ca_certificate is not None:
        variables |= dict.fromkeys(local_cloud.TRUST_VARIABLES, state.ca_certificate)
    script += (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    write_exactly("\n".join(script))
    return 0
