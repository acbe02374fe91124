"""What literals of each dialect compare as."""

from __future__ import annotations

import pytest

from sqlrl.layer.dialects import comparable


@pytest.mark.parametrize(
    ("value", "with_text", "dialect", "holds"),
    [
        (0, True, "mysql", False),  # 'ann' = 0 there
        (0, False, "mysql", True),
        (0, True, "sqlite", True),
        ("a\\' OR 1=1", True, "mysql", False),
        ("a\\b", True, "postgresql", True),
        ("a\0", True, "sqlite", False),
        (None, True, "mysql", True),
    ],
)
def test_what_compares_as_what_it_is(value: object, with_text: bool, dialect: str, holds: bool) -> None:
    assert comparable(value, with_text, dialect) is holds  # type: ignore[arg-type]
