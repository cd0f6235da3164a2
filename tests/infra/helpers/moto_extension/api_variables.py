# ruff: noqa: ANN401
"""The environment variables of an AppSync API, of which moto knows nothing."""

from typing import Any

from moto.appsync import urls
from moto.appsync.responses import AppSyncResponse
from moto.core.responses import ActionResult

PATH = "{0}/v1/apis/(?P<api_id>[^/]+)/environmentVariables$"
_ATTRIBUTE = "environment_variables"


def put_variables(api: Any, variables: dict[str, str]) -> None:
    """Replace all environment variables of an API of moto's."""
    setattr(api, _ATTRIBUTE, dict(variables))


def apply() -> None:
    """Let moto answer the two calls; again changes nothing."""
    urls.url_paths[PATH] = AppSyncResponse.dispatch
    for call in (get_graphql_api_environment_variables, put_graphql_api_environment_variables):
        setattr(AppSyncResponse, call.__name__, call)


def get_graphql_api_environment_variables(response: Any) -> ActionResult:
    """Answer the variables of an API."""
    api = response.appsync_backend.get_graphql_api(response._get_param("apiId"))
    return ActionResult({"environmentVariables": getattr(api, _ATTRIBUTE, {})})


def put_graphql_api_environment_variables(response: Any) -> ActionResult:
    """Replace the variables of an API."""
    api = response.appsync_backend.get_graphql_api(response._get_param("apiId"))
    put_variables(api, response._get_param("environmentVariables"))
    return get_graphql_api_environment_variables(response)
