"""PNGs that PIL does not write."""

import struct
import zlib


def raw_png(levels, *, claimed: tuple[int, int] | None = None) -> bytes:
    """Colours (H, W, 3 or 4) uint16 as a PNG; one of another size where a size, (width,
    height), is claimed."""

    def chunk(name, content):
        end = struct.pack('>I', zlib.crc32(name + content))
        return struct.pack('>I', len(content)) + name + content + end

    height, width, samples = levels.shape
    width, height = claimed or (width, height)
    colour_type = {3: 2, 4: 6}[samples]
    header = struct.pack('>IIBBBBB', width, height, 16, colour_type, 0, 0, 0)
    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in levels)
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        chunk(*pair)
        for pair in [(b'IHDR', header), (b'IDAT', zlib.compress(rows)), (b'IEND', b'')]
    )
