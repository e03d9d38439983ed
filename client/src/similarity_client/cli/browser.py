"""Opens a URL for a person."""

import webbrowser

from similarity_client.cli.talk import Talk


def show(url: str, talk: Talk) -> None:
    """Opens it in the browser of this machine; says so where there is none."""
    if not webbrowser.open(url):
        talk.say(f"there is no browser here: open {url} yourself")
