"""Form posts, bytes to a submission: bodies.py makes fields of bytes, placing.py traits, surroundings and properties of fields; secret.py says what is kept nowhere."""

from services.capture.domain.form.bodies import (
    MAX_FIELDS,
    Fields,
    Files,
    TooMany,
    nested,
    of_json,
    of_multipart,
    of_urlencoded,
)
from services.capture.domain.form.placing import submission, write_key
from services.capture.domain.form.secret import unread_without_secrets, without_secrets

__all__ = [
    "MAX_FIELDS",
    "Fields",
    "Files",
    "TooMany",
    "nested",
    "of_json",
    "of_multipart",
    "of_urlencoded",
    "submission",
    "unread_without_secrets",
    "without_secrets",
    "write_key",
]
