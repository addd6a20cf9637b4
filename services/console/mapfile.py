"""The file of a field map, of a hook or of an import: JSON or YAML, decoded. What the map means, shared/fieldmap.py says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from services.console.where import Trouble


def decoded(path: Path) -> Any:
    """What the file says. Raises Trouble that names file and place, and shows nothing of the content: a map may hold constants that
    are nobody's business."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise Trouble(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not UTF-8. Save it as UTF-8.") from None
    try:
        return msgspec.json.decode(text) if path.suffix == ".json" else yaml.safe_load(text)
    except msgspec.DecodeError:
        raise Trouble(f"{path} is not JSON. Correct it there, or name it .yaml if that is what it is.") from None
    except (ValueError, yaml.YAMLError) as error:  # ValueError: a date that no calendar has
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}," if mark is not None else ""
        raise Trouble(f"{path}{place} is neither JSON nor YAML. Correct it there.") from None
