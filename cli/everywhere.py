"""The word for every region at once."""

ALL = "all"


def is_all(region: str | None) -> bool:
    """Whether that means every region."""
    return region is not None and region.strip().lower() == ALL
