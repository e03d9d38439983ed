"""Writes the tables of all pages anew: `python -m docs.tables`."""

from docs.tables.pages import pages, written

for page in pages():
    text = written(page)
    if text != page.read_text():
        page.write_text(text)
        print(f"{page}: tables written anew")
