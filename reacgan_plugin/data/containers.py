"""Files in a folder or a zip, read in place: nothing is ever extracted, so that names
of members, whatever they say, lead nowhere."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np

from reacgan_plugin.data.files import encoded, files_below
from reacgan_plugin.data.loading import BrokenImage

MOST_OPEN = 64  # of the files that a process holds open
MOST_BYTES = 2**30  # of one member, unpacked
LOCAL_HEADER = struct.Struct('<26xHH')  # its end: lengths of the name and of the rest
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MEMBER = np.dtype(
    [('start', 'i8'), ('packed', 'i8'), ('size', 'i8'), ('crc', 'u4'), ('method', 'i4')]
)


class Reader:
    """Parts of files. Each process has handles of its own, since those that are shared
    with a parent would move under each other's feet."""

    def __init__(self):
        self.handles: OrderedDict = OrderedDict()
        self.owner = os.getpid()

    def read(self, path: str, start: int, size: int) -> bytes:
        """So many bytes from there.

        Raises: BrokenImage for a file that is gone or ends before that.
        """
        try:
            handle = self._handle(path)
            handle.seek(start)
            content = handle.read(size)
        except OSError as error:
            raise BrokenImage(f'cannot read {path!r}: {error.strerror}') from error
        if len(content) < size:
            raise BrokenImage(
                f'{path!r} ends at byte {start + len(content):,}, before the end of '
                'one of its images; it has been cut since it was opened'
            )
        return content

    def _handle(self, path: str):
        if self.owner != os.getpid():
            self.__init__()
        if path not in self.handles:
            self.handles[path] = open(path, 'rb')
            if len(self.handles) > MOST_OPEN:
                self.handles.popitem(last=False)[1].close()
        self.handles.move_to_end(path)
        return self.handles[path]

    def __getstate__(self) -> dict:
        return {}

    def __setstate__(self, state: dict) -> None:
        self.__init__()


class FolderFiles:
    """Files below a folder, sorted; ``names`` (n,) are their paths as bytes."""

    def __init__(self, path: Path):
        self.path = str(path.absolute())
        self.names = encoded(sorted(files_below(path)))

    def read(self, index: int) -> bytes:
        """Content of one. Raises: BrokenImage for a file that is gone."""
        name = os.path.join(self.path, os.fsdecode(self.names[index]))
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise BrokenImage(f'cannot read {name!r}: {error.strerror}') from error


class ZipFiles:
    """Members of a zip, sorted; ``names`` (n,) are their paths as bytes.

    The directory is read once; where the members lie is kept as numbers, of which a
    million take 50 MB in place of 600 MB of python's objects in every worker.
    Raises: ValueError for a zip that is damaged, encrypted or packed by a method other
    than deflate.
    """

    def __init__(self, path: Path):
        self.path = str(path.absolute())
        members = sorted(_members(self.path), key=lambda member: member.filename)
        end = os.path.getsize(self.path)
        for member in members:
            self._check(member, end)
        self.names = encoded(member.filename for member in members)
        self.table = np.array(
            [
                (m.header_offset, m.compress_size, m.file_size, m.CRC, m.compress_type)
                for m in members
            ],
            MEMBER,
        )
        self.reader = Reader()

    def read(self, index: int) -> bytes:
        """Content of one. Raises: BrokenImage for one that is damaged."""
        start, packed, size, crc, method = self.table[index].tolist()
        lengths = self.reader.read(self.path, start, LOCAL_HEADER.size)
        start += LOCAL_HEADER.size + sum(LOCAL_HEADER.unpack(lengths))
        content = self.reader.read(self.path, start, packed)
        try:
            if method == zipfile.ZIP_DEFLATED:
                unpack = zlib.decompressobj(-zlib.MAX_WBITS).decompress
                content = unpack(content, max(size, 1))  # where 0 would be no limit
        except zlib.error:
            content = b''
        if len(content) != size or zlib.crc32(content) != crc:
            name = os.fsdecode(self.names[index])
            raise BrokenImage(f'{name!r} in {self.path!r} is damaged')
        return content

    def _check(self, member: zipfile.ZipInfo, end: int) -> None:
        what = f'{member.filename!r} in {self.path!r}'
        if member.flag_bits & ENCRYPTED:
            raise ValueError(f'{what} is encrypted')
        if member.compress_type not in METHODS:
            raise ValueError(f'{what} is packed by another method than deflate')
        size = max(member.file_size, member.compress_size)
        last = member.header_offset + member.compress_size
        if size > MOST_BYTES:
            raise ValueError(f'{what} has {size:,} bytes; allowed: {MOST_BYTES:,}')
        if member.header_offset < 0 or last > end:
            raise ValueError(f'{what} lies beyond its end; the zip is damaged')


def _members(path: str) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f'cannot read {path!r}: {error}; is it complete?') from error
