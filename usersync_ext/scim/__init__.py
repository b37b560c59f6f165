"""SCIM 2.0 over HTTP: what identity providers push to."""
