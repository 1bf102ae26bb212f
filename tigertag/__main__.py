"""`python -m tigertag`."""

from tigertag.cli import main

main(prog_name="tigertag")
