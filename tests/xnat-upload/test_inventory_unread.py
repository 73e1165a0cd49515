"""A list of files that cannot be read any more is told of as one that cannot be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xnat_core.errors import OperationError
from xnat_upload.inventory import Inventory

_ROWS = 5000


@pytest.mark.parametrize(
    "read",
    [
        lambda inventory: inventory.rows("SELECT id FROM other"),
        lambda inventory: inventory.numbers("SELECT id FROM other"),
    ],
)
def test_a_disk_that_fails_between_two_rows_is_told(read: Callable[[Inventory], object]) -> None:
    inventory = Inventory()
    for number in range(_ROWS):
        sql = "INSERT INTO other (session, scan, name, digest) VALUES (1, '1', ?, '')"
        inventory.change(sql, (str(number),))
    # Ends a statement after so many of its steps: the first row comes, the last one does not.
    inventory._db._connection.set_progress_handler(lambda: 1, _ROWS)

    with pytest.raises(OperationError, match="the list of files cannot be kept"):
        read(inventory)
