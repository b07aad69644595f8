"""Which of mmcv's resizers make smaller images as the field does."""

from __future__ import annotations

from reacgan_plugin.options import one_of

# PIL's filters average over all pixels that a smaller one covers (antialiasing).
FILTERS = ('lanczos', 'bicubic', 'bilinear', 'box', 'hamming')
NAMES = ('Resize', 'mmcv.Resize')


def check_resize(entry) -> None:
    """Does an entry of a pipeline resize without aliasing?

    OpenCV, which is mmcv's default, looks at a few of the pixels alone and leaves
    jagged edges, which a generator then learns; its 'area' does not.
    Raises: ValueError for mmcv's ``Resize`` by another filter than PIL's or 'area'.
    """
    if not isinstance(entry, dict) or entry.get('type') not in NAMES:
        return
    backend = entry.get('backend', 'cv2')
    chosen = entry.get('interpolation', 'bilinear')
    if (backend, chosen) == ('cv2', 'area'):
        return
    if backend != 'pillow':
        raise ValueError(
            f'Resize: backend={backend!r} with interpolation={chosen!r} makes images '
            "smaller without antialiasing; allowed: backend='pillow' with "
            f'interpolation={", ".join(map(repr, FILTERS))}'
        )
    one_of('Resize: interpolation', chosen, (*FILTERS, 'nearest'))
