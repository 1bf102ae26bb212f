"""`tigertag rules` and `tigertag tombstones`: how the user overrules engines."""

from pathlib import Path

import click
from rich.table import Table

from tigertag.cli.session import core, print_table, tag_text
from tigertag.errors import RequestError
from tigertag.model import Field, Rule, RuleAction, TagRef
from tigertag.services import browsing
from tigertag.services import rules as service


@click.group()
def rules() -> None:
    """Block, allow and rename tags, set thresholds."""


@rules.command("list")
def list_rules() -> None:
    """List the rules; those further down override those above."""
    table = Table("rule", "action", "word", "engine", "section", "value", box=None)
    with core() as built:
        numbered = [("default", rule) for rule in built.default_rules]
        numbered += [(str(row.id), row.rule) for row in service.listed(built)]
        names = browsing.section_names(built)
    for number, rule in numbered:
        scope = (rule.engine or "every", names.get(rule.section, rule.section) or "every")
        table.add_row(number, rule.action, rule.word, *scope, rule.value)
    print_table(table, empty="No rules.")


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
@click.argument("value", required=False)
@click.option("--engine", help='For this engine only; "" for every engine.')
@click.option("--section", help='In this section only: LIBRARY/SECTION; "" for everywhere.')
def edit(rule_id: int, value: str | None, engine: str | None, section: str | None) -> None:
    """Change a rule: the new name or threshold, VALUE, and where it holds."""
    if value is None and engine is None and section is None:
        raise RequestError("Say what to change: VALUE, --engine or --section.")
    with core() as built:
        service.change(built, rule_id, value=value, engine=engine, section=section)
    click.echo("Changed. `tigertag scan LIBRARY --decide` shows what it changes.")


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
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def import_(file: Path, yes: bool) -> None:
    """Replace all rules by those in FILE."""
    with core() as built:
        new = service.read_file(file)
        old = len(service.listed(built))
        if old and not yes:
            click.confirm(f"Replace {old} rules by the {len(new)} in {file.name}?", abort=True)
        click.echo(f"{service.import_rules(built, new)} rules imported.")


@click.group()
def tombstones() -> None:
    """Tags that you removed, and that stay off."""


@tombstones.command("list")
@click.option("--tag", "word", default="", help="Of this tag only.")
def list_tombstones(word: str) -> None:
    """List the tags that you removed from items."""
    table = Table("number", "item", "tag", "since", box=None)
    with core() as built:
        for row in service.tombstones(built, word=word):
            since = f"{row.since.astimezone():%Y-%m-%d}"
            tag = tag_text(TagRef(Field(row.field), row.name))
            table.add_row(str(row.id), f"{row.library}/{row.called}", tag, since)
    print_table(table, empty="None.")


@tombstones.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--tag", "word", default="", help="All tombstones of this tag.")
def lift(numbers: tuple[int, ...], word: str) -> None:
    """Allow these tags again; the next scan may add them."""
    if not numbers and not word:
        raise RequestError("Name some: numbers from `tigertag tombstones list`, or --tag TAG.")
    with core() as built:
        lifted = service.lift(built, numbers, word=word)
    click.echo(f"{lifted} lifted.")
