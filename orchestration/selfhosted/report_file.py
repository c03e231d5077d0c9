"""A report as a file: exported by hand (Organization settings, Usage export), or kept in the archive.

Here: recognising and reading it. Not here: what is in it (report.py), its landing (ingest.py).
"""

import gzip
import zlib
from pathlib import Path

from orchestration.landing.errors import FileRefusedError
from orchestration.selfhosted.report import Report, read_report

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_LOOKED_AT_BYTES = 4096


def is_report_file(path: Path) -> bool:
    """Whether a file, plain or gzipped, begins as JSON does: then it is no usage CSV, but may be a report.

    Raises:
        FileRefusedError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(_LOOKED_AT_BYTES)
        if begin.startswith(_GZIP_MAGIC):
            # Only as far as it goes: of a file that is cut, whoever reads it whole tells.
            begin = zlib.decompressobj(wbits=_GZIP_WINDOW).decompress(begin, _LOOKED_AT_BYTES)
    except (OSError, zlib.error) as error:
        raise FileRefusedError(f"{path}: {_reason(error)}") from error
    return begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def read_report_file(path: Path) -> tuple[Report, bytes]:
    """The report in a file, and its bytes, uncompressed.

    Raises:
        FileRefusedError: it cannot be read, or is no report.
    """
    try:
        body = path.read_bytes()
        if body.startswith(_GZIP_MAGIC):
            body = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefusedError(f"{path}: {_reason(error)}") from error
    return read_report(body, origin=str(path)), body


def _reason(error: OSError | EOFError | zlib.error) -> str:
    return getattr(error, "strerror", None) or "the gzip file is cut or damaged"
