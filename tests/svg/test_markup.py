from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from cctview.svg.markup import Markup, fragment, tag


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.values, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.values += [value for _, value in attributes]

    def handle_data(self, data):
        self.text += data


@given(st.text().filter(lambda text: "\r" not in text and "\0" not in text))
def test_no_text_breaks_out(text):
    seen = Seen(tag("p", text, title=text))
    assert seen.tags == ["p"]
    assert seen.values == [text]
    assert seen.text == text


def test_markup_inside_markup_stays_markup():
    assert tag("ul", (tag("li", n) for n in (1, 2.50))) == "<ul><li>1</li><li>2.5</li></ul>"
    assert fragment("<b>", Markup("<b>"), None) == "&lt;b&gt;<b>"


def test_attributes_are_written_as_html_names_them():
    assert tag("input", disabled=True, hidden=False, value=None) == "<input disabled>"
    assert tag("i", aria_hidden="true", class_="a") == '<i aria-hidden="true" class="a"></i>'
