"""The identity providers that usersync_ext knows, one module each."""

from .base import Provider
from .custom import CUSTOM_SCIM
from .entra import ENTRA
from .keycloak import KEYCLOAK
from .miniorange import MINIORANGE
from .okta import OKTA
from .onelogin import ONELOGIN
from .oracle import ORACLE

BUILT_IN: tuple[Provider, ...] = (
    ENTRA,
    OKTA,
    ONELOGIN,
    ORACLE,
    KEYCLOAK,
    MINIORANGE,
    CUSTOM_SCIM,
)
