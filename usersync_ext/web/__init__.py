"""The browser pages: one blueprint, built anew for each app, with one guard before every view."""

from flask import Blueprint

from . import (
    about,
    activity,
    decisions,
    directory,
    directory_groups,
    guard,
    overview,
    people,
    rules,
    runs,
    source_groups,
    sources,
    tokens,
    trial,
)
from .shared import Route, page_context

GROUPS = (
    overview,
    sources,
    rules,
    source_groups,
    runs,
    tokens,
    trial,
    decisions,
    people,
    activity,
    directory,
    directory_groups,
    about,
)


def routes() -> list[Route]:
    """Return every page."""
    return [route for group in GROUPS for route in group.PAGES]


def web_blueprint() -> Blueprint:
    """Return the blueprint of the pages."""
    blueprint = Blueprint("web", __name__)
    for route in routes():
        methods = ["GET", "POST"] if route.posts else ["GET"]
        blueprint.add_url_rule(route.rule, view_func=route.view, methods=methods)
    blueprint.context_processor(page_context)
    guard.protect(blueprint)
    return blueprint
