"""Keeps the address of a service and a key, so that no line needs them."""

import click

from similarity_client.cli import saved
from similarity_client.cli.saved import Saved
from similarity_client.cli.session import client_of, options
from similarity_client.cli.talk import Talk
from similarity_client.settings import DEFAULT_URL


@click.command()
@click.option("--forget", is_flag=True, help="Remove what was saved.")
@options
def login(
    url: str | None, key: str | None, timeout: float, retries: int, as_json: bool, forget: bool
) -> None:
    """Save the URL of the service and a key, once they work.

    \b
      similarity login
      similarity login --url https://images.example.org
      similarity login --forget
    """
    talk = Talk(as_json)
    if forget:
        had = saved.forget()
        talk.one({"forgotten": had}, [("forgotten", saved.file() if had else "there was none")])
        return
    url = url or click.prompt("URL", default=saved.read().url or DEFAULT_URL, err=True)
    if key is None:
        key = click.prompt("Key (none: Enter)", "", hide_input=True, show_default=False, err=True)
    with client_of(talk, url, key or None, timeout, retries) as client:
        me, release = client.me(), client.version().version
    saved.save(Saved(client.settings.url, key or None))
    found = {"url": client.settings.url, "name": me.name, "scopes": me.scopes, "release": release}
    talk.one(found, list(found.items()))
    talk.say(f"saved in {saved.file()}")
