"""Whether the server has the very bytes that were sent: its MD5s against those of the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from xnat_upload.inventory import BY_COUNT, CHANGED, TAKEN, Amount, Instance, Inventory

_BOTH_KNOWN = "held AND left_out IS NULL AND digest != '' AND held_digest != ''"
_NOT_BOTH_KNOWN = (
    f"held AND held != {BY_COUNT} AND left_out IS NULL AND (digest = '' OR held_digest = '')"
)
_COMES_OUT_OTHERWISE = "doubted != '' AND held_digest != doubted"


class Comparison:
    """The instances that the condition `ours` selects; only those of which both MD5s are known.

    What differs may have been altered by the server, which is its right, or damaged on the way. So
    it can be doubted, which is to say, sent a second time: what then has yet another MD5 was
    damaged at least once.
    """

    def __init__(self, inventory: Inventory, ours: str, md5_of: Callable[[Instance], str]) -> None:
        self._inventory = inventory
        self._ours = ours
        self._md5_of = md5_of
        self._damaged = f"{ours} AND {_BOTH_KNOWN} AND held_digest != digest AND taken={TAKEN}"

    def identical(self) -> Amount:
        """Instances whose MD5 is the same there and here."""
        return self._inventory.amount(f"{self._ours} AND {_BOTH_KNOWN} AND held_digest = digest")

    def altered(self) -> Amount:
        """Instances whose MD5 on the server is another one than that of the file here."""
        return self._inventory.amount(f"{self._ours} AND {_BOTH_KNOWN} AND held_digest != digest")

    def uncompared(self) -> Amount:
        """Instances that are there by their names, and nothing says with which bytes."""
        return self._inventory.amount(f"{self._ours} AND {_NOT_BOTH_KNOWN}")

    def resized(self) -> Amount:
        """Those of them that have another size there than here."""
        return self._inventory.amount(f"{self._ours} AND {_NOT_BOTH_KNOWN} AND held_size != size")

    def damaged(self) -> Amount:
        """Those of the altered ones that this upload has sent."""
        return self._inventory.amount(self._damaged)

    def all_damaged(self) -> Iterator[Instance]:
        """What `damaged` counts."""
        return self._inventory.instances(self._damaged)

    def all_damaged_again(self) -> Iterator[Instance]:
        """Those of them that came out otherwise the second time: no server writes like that."""
        return self._inventory.instances(f"{self._damaged} AND {_COMES_OUT_OTHERWISE}")

    def came_out_otherwise(self) -> Amount:
        """What has another MD5 there after the second time, the right one or not."""
        return self._inventory.amount(f"{self._ours} AND held AND {_COMES_OUT_OTHERWISE}")

    def doubt(self, most: int) -> int:
        """Have up to `most` (-1: all) of the damaged sent a second time; returns how many."""
        return self._inventory.change(
            f"UPDATE instance SET doubted=held_digest, taken={CHANGED}, mends='' WHERE id IN"
            f" (SELECT id FROM instance WHERE {self._damaged} AND doubted='' ORDER BY id LIMIT ?)",
            (most,),
        )

    def doubted(self) -> Iterator[Instance]:
        """Those that are now to be sent a second time."""
        return self._inventory.instances(f"{self._ours} AND taken={CHANGED} AND doubted != ''")

    def recall(self, damaged: Mapping[str, str]) -> bool:
        """Take note of what has arrived damaged: by its name, the MD5 with which it was sent since,
        if it was. Returns whether some of it was not."""
        for name, digest in damaged.items():
            self._inventory.change(
                f"UPDATE instance SET mends=? WHERE name=? AND {self._ours}", (digest, name)
            )
        waiting = f"{self._ours} AND mends='' AND taken={CHANGED}"
        return self._inventory.amount(waiting).files > 0

    def mends(self, name: str) -> bool:
        """Whether what was sent under a name is to replace what has arrived damaged."""
        condition = f"name=? AND taken={TAKEN} AND mends IS NOT NULL AND {self._ours}"
        return bool(self._inventory.rows(f"SELECT 1 FROM instance WHERE {condition}", (name,)))

    def digest(self, *, everything: bool) -> None:
        """Read the files that have changed since they were taken, or with `everything` all, of
        which only the server's MD5 is known."""
        condition = f"{self._ours} AND held AND digest='' AND held_digest != ''"
        if not everything:
            condition += f" AND taken={CHANGED}"
        for instance in self._inventory.instances(condition):
            self._inventory.change(
                "UPDATE instance SET digest=? WHERE id=?", (self._md5_of(instance), instance.id)
            )
