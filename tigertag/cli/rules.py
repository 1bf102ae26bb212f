"""`tigertag rules` and `tigertag tombstones`: the user's word on tags."""

from pathlib import Path

import click
from rich.table import Table

from tigertag.cli.session import console, core
from tigertag.cli.telling import worded
from tigertag.errors import RequestError
from tigertag.model import Rule, RuleAction
from tigertag.services import browsing
from tigertag.services import rules as service
from tigertag.services import tombstones as tombstone_service


@click.group()
def rules() -> None:
    """Block, allow and rename words, set thresholds."""


@rules.command("list")
def list_rules() -> None:
    """List the rules; those further down override those above."""
    table = Table("rule", "action", "word", "engine", "section", "value", box=None)
    with core() as built:
        known = [("default", rule) for rule in built.default_rules]
        known += [(str(row.id), row.rule) for row in service.listed(built)]
        names = browsing.section_names(built)
    for number, rule in known:
        scope = (rule.engine or "every", names.get(rule.section, rule.section) or "every")
        table.add_row(number, rule.action, rule.word, *scope, rule.value)
    if table.row_count:
        console.print(table)
    else:
        click.echo("No rules.")


@rules.command()
@click.argument("action", type=click.Choice([action.value for action in RuleAction]))
@click.argument("word")
@click.argument("value", required=False, default="")
@click.option("--engine", default="", help="For this engine only.")
@click.option("--section", default="", help="In this section only: LIBRARY/SECTION.")
def add(action: str, word: str, value: str, engine: str, section: str) -> None:
    """Add a rule: deny WORD, allow WORD, rename WORD NAME, threshold WORD NUMBER.

    WORD is a tag's name or a concept's id; for thresholds also "*", every word.
    """
    with core() as built:
        service.add(built, Rule(RuleAction(action), word, engine, value, section))
    click.echo("Added. `tigertag scan LIBRARY --decide` shows what it changes.")


@rules.command()
@click.argument("rule_id", metavar="RULE", type=int)
def remove(rule_id: int) -> None:
    """Remove the rule of this number."""
    with core() as built:
        service.remove(built, rule_id)
    click.echo("Removed. `tigertag scan LIBRARY --decide` shows what it changes.")


@rules.command()
def export() -> None:
    """Print the rules as YAML."""
    with core() as built:
        click.echo(service.exported(row.rule for row in service.listed(built)), nl=False)


@rules.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def import_(file: Path, yes: bool) -> None:
    """Put the rules in FILE in the place of all that are there."""
    with core() as built:
        new = service.read_file(file)
        old = len(service.listed(built))
        if old and not yes:
            click.confirm(f"Replace {old} rules by the {len(new)} of {file.name}?", abort=True)
        click.echo(f"{service.import_rules(built, new)} rules imported.")


@click.group()
def tombstones() -> None:
    """Tags that you took off, and that stay off."""


@tombstones.command("list")
@click.option("--tag", "word", default="", help="Of this tag only.")
def list_tombstones(word: str) -> None:
    """List the tags that you took off items."""
    table = Table("number", "item", "tag", "since", box=None)
    with core() as built:
        for row in tombstone_service.listed(built, word=word):
            since = row.since.astimezone().strftime("%Y-%m-%d")
            table.add_row(str(row.id), f"{row.library}/{row.called}", worded(row), since)
    if table.row_count:
        console.print(table)
    else:
        click.echo("None.")


@tombstones.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--tag", "word", default="", help="Lift all of this tag.")
def lift(numbers: tuple[int, ...], word: str) -> None:
    """Let the next scan add these tags again."""
    if not numbers and not word:
        raise RequestError("Say which: numbers from `tigertag tombstones list`, or --tag WORD.")
    with core() as built:
        lifted = tombstone_service.lift(built, numbers, word=word)
    click.echo(f"{lifted} lifted.")
