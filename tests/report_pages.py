"""A report as a browser reads it."""

from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

from PIL import Image

VOID = ('meta', 'img', 'wbr')


class Page(HTMLParser):
    """What a browser finds: elements that are closed, pictures, text by section."""

    def __init__(self, text):
        super().__init__()
        self.open, self.pictures, self.text, self.links = [], {}, {}, []
        self.section, self.names = None, set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.names.add(tag)
        self.links += [v for k, v in attributes.items() if k in ('src', 'href')]
        if tag == 'section':
            self.section = attributes['id']
            self.text[self.section], self.pictures[self.section] = '', []
        if tag == 'img':
            assert attributes['alt']
            self.pictures[self.section].append(picture(attributes['src']))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.section:
            self.text[self.section] += data


def picture(source):
    kind, _, data = source.partition(',')
    assert kind == 'data:image/png;base64'
    image = Image.open(BytesIO(b64decode(data, validate=True)))
    image.load()
    return image
