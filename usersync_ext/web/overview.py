"""The first page: how every source stands, what waits for a decision, and the days before."""

from datetime import UTC, datetime

from flask import render_template
from flask.typing import ResponseReturnValue

from ..store import overview as store_overview
from ..store import sources as store_sources
from ..store.strays import list_strays
from . import chart
from .arrivals import unknown_source_advice
from .shared import Route, engine

STRAYS_LOOKED_AT = 50
STRAYS_SHOWN = 5


def overview() -> ResponseReturnValue:
    engine().recorder.flush()
    now = datetime.now(UTC)
    with engine().store.reading() as db:
        found = store_sources.list_sources(db)
        figures = store_overview.list_figures(db, found, now)
        strays = list_strays(db, since=now - store_overview.ALERT_TIME, limit=STRAYS_LOOKED_AT)
        days = store_overview.changes_per_day(db, now) if found else []
    keys = {source.key for source in found}
    lost = [stray for stray in strays if stray.source not in keys and not stray.token_prefix]
    return render_template(
        "usersync/overview.html",
        figures=figures,
        days=days,
        chart=chart.drawing(days),
        lost=[(stray, unknown_source_advice(stray, found)) for stray in lost[:STRAYS_SHOWN]],
    )


PAGES: tuple[Route, ...] = (Route("/", overview),)
