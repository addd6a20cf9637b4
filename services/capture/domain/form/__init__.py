"""Form posts, bytes to a submission: bodies.py makes fields of bytes, placing.py traits, surroundings and properties of fields."""

from services.capture.domain.form.bodies import MAX_FIELDS, Fields, Files, nested, of_json, of_multipart, of_urlencoded
from services.capture.domain.form.placing import submission, without_secrets, write_key

__all__ = [
    "MAX_FIELDS",
    "Fields",
    "Files",
    "nested",
    "of_json",
    "of_multipart",
    "of_urlencoded",
    "submission",
    "without_secrets",
    "write_key",
]
