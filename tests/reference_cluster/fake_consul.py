"""Consul's KV in memory, with its rules for transactions and blocking queries."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from switch_agent.consul import Entry, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable


class FakeConsul:
    """One KV for all ``nodes``. ``dead`` nodes are not alive."""

    def __init__(self, nodes: Iterable[str], dead: Iterable[str] = ()) -> None:
        self.nodes = set(nodes)
        self.entries: dict[str, Entry] = {}
        self.history: list[tuple[str, str]] = []
        self.dead = set(dead)
        self._index = 1
        self._changed = threading.Condition()

    def alive(self) -> set[str]:
        return self.nodes - self.dead

    def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    def tree(self, prefix: str, index: int = 0, wait: float = 0) -> tuple[int, dict[str, Entry]]:
        with self._changed:
            self._changed.wait_for(lambda: self._index != index, max(0.0, wait))
            return self._index, {k: v for k, v in self.entries.items() if k.startswith(prefix)}

    def put(self, key: str, value: object) -> None:
        self.transact([Operation("set", key, value)])

    def delete(self, key: str) -> None:
        self.transact([Operation("delete", key)])

    def delete_tree(self, prefix: str) -> None:
        keys = [key for key in self.entries if key.startswith(prefix)]
        self.transact([Operation("delete", key) for key in keys])

    def transact(self, operations: Iterable[Operation]) -> bool:
        operations = list(operations)
        with self._changed:
            for operation in operations:
                if operation.verb == "check-not-exists" and operation.key in self.entries:
                    return False
            for operation in operations:
                self._apply(operation)
            self._index += 1
            self._changed.notify_all()
        return True

    def _apply(self, operation: Operation) -> None:
        if operation.verb == "set":
            value = json.dumps(operation.value).encode()
            self.entries[operation.key] = Entry(value, operation.flags)
            self.history.append(("set", operation.key))
        elif operation.verb == "delete" and operation.key in self.entries:
            del self.entries[operation.key]
            self.history.append(("delete", operation.key))
