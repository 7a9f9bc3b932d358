"""The one error of this package."""


class ServicesError(Exception):
    """Local servers cannot do what was asked. The message is one line and says what to do about it."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
