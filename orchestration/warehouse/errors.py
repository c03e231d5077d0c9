"""What can go wrong between us and the warehouse."""


class WarehouseError(Exception):
    """A person has to do something; the message is one line, says what, and never holds a password."""
