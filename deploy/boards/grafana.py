"""A board as Grafana's JSON (schema 39, as Grafana 11 and 12 read it). What is on it is decided elsewhere."""

from __future__ import annotations

import json
from typing import Any

from deploy.boards import Board, Panel

_ACROSS, _HEIGHT, _PER_ROW = 24, 8, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def text(board: Board) -> str:
    """The JSON of a board."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in board.rows:
        panels.append(
            {"type": "row", "title": title, "collapsed": False, "gridPos": _place(0, y, _ACROSS, 1), "panels": []}
        )
        y += 1
        for number, panel in enumerate(row):
            across, down = number % _PER_ROW, number // _PER_ROW
            width = _ACROSS // _PER_ROW
            panels.append(_panel(panel, _place(across * width, y + down * _HEIGHT, width, _HEIGHT)))
        y += -(-len(row) // _PER_ROW) * _HEIGHT
    for number, made in enumerate(panels, start=1):
        made["id"] = number
    document = {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["leadflow"],
        "schemaVersion": 39,
        "timezone": "browser",
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "links": [{"type": "dashboards", "tags": ["leadflow"], "title": "Leadflow", "asDropdown": True}],
        "panels": panels,
    }
    return json.dumps(document, indent=1) + "\n"


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if panel.kind == "timeseries" else {},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": expression,
                "legendFormat": legend,
                "datasource": _SOURCE,
                "exemplar": True,
            }
            for number, (expression, legend) in enumerate(panel.asks)
        ],
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}
