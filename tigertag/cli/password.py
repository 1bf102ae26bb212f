"""`tigertag password`: a new password for the dashboard, or a new key for REST."""

import sys

import click

from tigertag import settings
from tigertag.cli.session import core
from tigertag.services import accounts
from tigertag.services.accounts import Accounts


@click.command()
@click.option("--generate", is_flag=True, help="Make one up, and print it.")
@click.option("--api-key", is_flag=True, help="Make a new key for REST instead, and print it.")
@click.option(
    "--link", is_flag=True, help="Print a link instead that signs in once, within 30 min."
)
def password(generate: bool, api_key: bool, link: bool) -> None:
    """Set the dashboard's password: typed twice, or read from standard input.

    Who was signed in is signed out. A new key for REST ends the old one.
    """
    with core() as built:
        read = settings.load()
        web = read.web
        mine = Accounts(built, password=web.password, api_key=web.api_key)
        if api_key:
            click.echo(mine.new_key())
            return
        if link:
            address = f"http://{read.host}:{read.port}{web.base_path}/sign-in"
            click.echo(f"{address}#link={mine.link()}")
            return
        chosen = accounts.generated_password() if generate else _asked()
        mine.set_password(chosen)
        if generate:
            click.echo(chosen)
    click.echo("The password is changed; who was signed in is signed out.", err=True)


def _asked() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("New password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
