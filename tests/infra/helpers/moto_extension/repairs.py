# ruff: noqa: ANN401
"""Repairs of faults of moto that would make a deployment fail, or seem to succeed."""

from typing import Any

from moto.appsync.models import GraphqlAPIKey
from moto.cloudformation import models as cloudformation
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import EmptyResult
from moto.core.utils import utcnow
from moto.events.models import EventBus
from moto.events.responses import EventsHandler
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug import Response

PATCH_POINTS = (
    (cloudformation.ChangeSet, "apply"),
    (CloudFormationResponse, "describe_change_set"),
    (CloudFormationResponse, "delete_change_set"),
    (CloudFormationResponse, "execute_change_set"),
    (CloudFormationResponse, "validate_template"),
    (EventsHandler, "test_event_pattern"),
    (DomainDispatcherApplication, "get_application"),
    (DomainDispatcherApplication, "get_backend_for_host"),
    (GraphqlAPIKey, "__init__"),
    (cloudformation, "yaml"),
)
"""What is replaced; the test of the extension sees that moto still has all of it."""

_YAML: Any = vars(cloudformation)["yaml"]
_MARK = "_globalchat_original"


class AccessDenied(ServiceException):
    """What AWS answers to credentials that may not; its older services, whose answers are XML."""

    code = "AccessDenied"


class AccessDeniedException(ServiceException):
    """What its services that answer JSON do."""

    code = "AccessDeniedException"


class ChangeSetNotFound(CloudFormationError):
    """What AWS answers to an unknown change set."""

    code = "ChangeSetNotFound"


def apply() -> None:
    """Put every repair in place; again changes nothing."""
    if hasattr(cloudformation.ChangeSet, _MARK):
        return
    setattr(cloudformation.ChangeSet, _MARK, cloudformation.ChangeSet.apply)
    setattr(cloudformation.ChangeSet, "apply", _apply)  # noqa: B010 - mypy sees no signature
    for name in ("describe_change_set", "delete_change_set", "execute_change_set"):
        setattr(CloudFormationResponse, name, _scoped(getattr(CloudFormationResponse, name)))
    # A bus had no id of its own, so that a Ref to it was the object.
    EventBus.physical_resource_id = property(lambda bus: bus.name)  # type: ignore[attr-defined]
    _lengthen_keys()
    # Moto answers nothing to the one and takes seconds for the other.
    setattr(EventsHandler, "test_event_pattern", _denied(AccessDeniedException))  # noqa: B010 - as above
    setattr(CloudFormationResponse, "validate_template", _denied(AccessDenied))  # noqa: B010 - as above
    # Moto warns of errors that a service does not declare, which is an error of the server in a test.
    COMMON_ERROR_CODES.extend((AccessDenied.code, AccessDeniedException.code))
    # Moto fails at this one, whose call the deployer then repeats.
    setattr(IamResponse, "simulate_principal_policy", _denied(AccessDenied))  # noqa: B010 - as above
    dispatch = _without_access_analyzer(DomainDispatcherApplication.get_application)
    setattr(DomainDispatcherApplication, "get_application", dispatch)  # noqa: B010 - as above
    find = _remembered(DomainDispatcherApplication.get_backend_for_host)
    setattr(DomainDispatcherApplication, "get_backend_for_host", find)  # noqa: B010 - as above
    setattr(cloudformation, "yaml", _Yaml)  # noqa: B010 - mypy sees that it is a module


def _denied(error: type[ServiceException]) -> Any:
    """Refuse an action that is not imitated."""

    def refuse(*_: Any) -> None:
        raise error("moto does not imitate this action")

    return refuse


def _without_access_analyzer(get_application: Any) -> Any:
    """Deny the one service that moto lacks: it would print to standard error, and fail."""

    def application(dispatcher: Any, environ: dict[str, Any]) -> Any:
        if "/access-analyzer/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return get_application(dispatcher, environ)
        return Response('{"message": "moto lacks it"}', 403, {"x-amzn-ErrorType": "AccessDeniedException"})

    return application


def _remembered(get_backend: Any) -> Any:
    """Remember the service of each host: moto looks through its folder of services, twice a call."""
    found: dict[str | None, Any] = {}

    def backend(dispatcher: Any, host: str | None) -> Any:
        if host not in found:
            found[host] = get_backend(dispatcher, host)
        return found[host]

    return backend


class _Yaml:
    """What moto uses of YAML, by the parser in C: a template takes a twentieth of the time."""

    Loader = getattr(_YAML, "CLoader", _YAML.Loader)
    load = staticmethod(_YAML.load)

    @classmethod
    def add_multi_constructor(cls, prefix: str, constructor: Any) -> None:
        _YAML.add_multi_constructor(prefix, constructor, Loader=cls.Loader)


def _apply(change_set: Any) -> None:
    """Apply a change set, fill the stack's outputs, and let a failure be the stack's instead of the server's.

    The AWS SDK repeats a call that got a 500; moto then sees no difference and reports success.
    """
    stack = change_set.stack
    try:
        getattr(cloudformation.ChangeSet, _MARK)(change_set)
    except Exception as error:
        reason = error.message if isinstance(error, ServiceException) else f"{type(error).__name__}: {error}"
        stack.status = f"{change_set.change_set_type}_FAILED"
        stack.status_reason = reason
        raise ValidationError(stack.name, message=str(reason)) from error
    # Moto has no time of the last update.
    stack.creation_time = utcnow()
    stack.template_dict = change_set.template_dict
    stack.output_map = stack._create_output_map()
    if change_set.tags:
        stack.tags = change_set.tags


def _scoped(call: Any) -> Any:
    """Find change sets within their stack: the CDK gives all of them the same name."""

    def scoped(response: Any) -> Any:
        name = response._get_param("ChangeSetName")
        stack = response._get_param("StackName")
        for identity, change_set in reversed(response.cloudformation_backend.change_sets.items()):
            if name in (identity, change_set.change_set_name) and stack in (
                None,
                change_set.stack_name,
                change_set.stack_id,
            ):
                response.params = {**response.params, "ChangeSetName": identity}
                return call(response)
        if call.__name__ == "delete_change_set":
            # On AWS as well there is nothing wrong with that.
            return EmptyResult()
        raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")

    return scoped


def _lengthen_keys() -> None:
    """AppSync's ids of keys are the keys: `da2-` and 26 characters."""
    original = GraphqlAPIKey.__init__

    def init(key: Any, *args: Any, **kwargs: Any) -> None:
        original(key, *args, **kwargs)
        key.key_id = f"da2-{str(mock_random.uuid4()).replace('-', '')[:26]}"

    setattr(GraphqlAPIKey, "__init__", init)  # noqa: B010 - mypy sees no signature
