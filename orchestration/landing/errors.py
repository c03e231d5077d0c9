"""What can go wrong between the bytes and the raw tables, sorted by what a person does about it.

LandingError
├── FileRefusedError      the file as a whole is not what it should be; nothing of it was landed
│   └── HeaderError       its header line is not one of this aspect
├── TooManyBadRowsError   one day has more bad rows than we accept; its former rows stay
├── ShrunkenDayError      one day has far fewer rows than landed before; its former rows stay
└── ArchiveError          the archive cannot be written or read; look at USAGE_ARCHIVE_URL
"""


class LandingError(Exception):
    """Base of all; the message is one line and holds no secret."""


class FileRefusedError(LandingError):
    """The file as a whole cannot be read as a usage file."""


class HeaderError(FileRefusedError):
    """The header line is not one that we know for this aspect."""


class TooManyBadRowsError(LandingError):
    """More than the accepted share of a day's rows cannot be landed."""


class ShrunkenDayError(LandingError):
    """A day that had rows comes back empty or with half of them at most; a person may accept that."""


class ArchiveError(LandingError):
    """The archive cannot be written or read."""
