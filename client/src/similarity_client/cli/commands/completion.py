"""Completion by the shell."""

import click
from click.shell_completion import get_completion_class

from similarity_client.cli.session import as_json as json_option
from similarity_client.cli.talk import Talk

NAME, VARIABLE = "similarity", "_SIMILARITY_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print what makes a SHELL complete this command.

    \b
      eval "$(similarity completion bash)"      in ~/.bashrc
      eval "$(similarity completion zsh)"       in ~/.zshrc
      similarity completion fish | source       in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(context.find_root().command, {}, NAME, VARIABLE).source()
    if as_json:
        Talk(as_json).json({"shell": shell, "script": script})
    else:
        click.echo(script)
