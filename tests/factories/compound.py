"""Mails as Outlook stores them: a compound file (MS-CFB) of property streams (MS-OXMSG), made in memory."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Tree = Mapping[str, "bytes | Tree"]
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_EPOCH: Final = 116_444_736_000_000_000
"""1970 in units of 100 ns since 1601."""


@dataclass
class _Node:
    name: str
    kind: int
    content: bytes = b""
    child: int = _FREE
    right: int = _FREE
    start: int = _END
    size: int = 0


@dataclass
class _Space:
    """Sectors of one size, chained by a table."""

    size: int
    content: bytes = b""
    table: list[int] = field(default_factory=list)

    def put(self, content: bytes) -> int:
        if not content:
            return _END
        first, count = len(self.table), -(-len(content) // self.size)
        self.table += [*range(first + 1, first + count), _END]
        self.content += content.ljust(count * self.size, b"\x00")
        return first


def compound(tree: Tree) -> bytes:
    """A compound file of these storages and streams."""
    nodes = [_Node("Root Entry", _ROOT)]
    _add(nodes, nodes[0], tree)
    mini, big = _Space(_MINI), _Space(_SECTOR)
    for node in nodes:
        if node.kind == _STREAM:
            node.size = len(node.content)
            node.start = (mini if node.size < _CUTOFF else big).put(node.content)
    nodes[0].start, nodes[0].size = big.put(mini.content), len(mini.content)
    mini_table = big.put(_table(mini.table))
    directory = big.put(b"".join(map(_entry, nodes)))
    sectors = 1
    while sectors * _SECTOR // 4 < len(big.table) + sectors:
        sectors += 1
    fat = _table([*big.table, *[_FAT] * sectors])
    places = range(len(big.table), len(big.table) + sectors)
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, sectors, directory, 0, _CUTOFF, mini_table, -(-len(mini.table) * 4 // _SECTOR), _END, 0),
        places[0],
    )
    rest = b"".join(struct.pack("<I", place) for place in places[1:])
    return (head + rest).ljust(_SECTOR, b"\xff") + big.content + fat


def _add(nodes: list[_Node], parent: _Node, tree: Tree) -> None:
    before: _Node | None = None
    for name in sorted(tree, key=lambda one: (len(one), one.upper())):
        inner = tree[name]
        place = len(nodes)
        node = _Node(name, _STREAM, inner) if isinstance(inner, bytes) else _Node(name, _STORAGE)
        nodes.append(node)
        if before is None:
            parent.child = place
        else:
            before.right = place
        before = node
        if not isinstance(inner, bytes):
            _add(nodes, node, inner)


def _table(entries: list[int]) -> bytes:
    packed = b"".join(struct.pack("<I", entry) for entry in entries)
    return packed.ljust(-(-len(packed) // _SECTOR) * _SECTOR, b"\xff")


def _entry(node: _Node) -> bytes:
    name = node.name.encode("utf-16-le") + b"\x00\x00"
    start = 0 if node.kind == _STORAGE else node.start
    return struct.pack(
        "<64sHBBIII36xIQ", name, len(name), node.kind, 1, _FREE, node.right, node.child, start, node.size
    )


def msg(properties: Mapping[int, str | bytes | int], attachments: Mapping[str, bytes] | None = None) -> bytes:
    """An MSG; text and bytes by property id, an int is a time in seconds since 1970."""
    files = attachments or {}
    tree: dict[str, bytes | Tree] = dict(_streams(properties, struct.pack("<8x4I8x", 0, len(files), 0, len(files))))
    for number, (name, content) in enumerate(files.items()):
        tree[f"__attach_version1.0_#{number:08X}"] = _streams({0x3707: name, 0x3701: content}, bytes(8))
    return compound(tree)


def _streams(properties: Mapping[int, str | bytes | int], head: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for identity, value in properties.items():
        if isinstance(value, int):
            head += struct.pack("<HHIQ", 0x0040, identity, 6, value * 10_000_000 + _EPOCH)
            continue
        kind = 0x001F if isinstance(value, str) else 0x0102
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        found[f"__substg1.0_{identity:04X}{kind:04X}"] = content
        head += struct.pack("<HHIII", kind, identity, 6, len(content) + (2 if kind == 0x001F else 0), 0)
    return found | {"__properties_version1.0": head}
