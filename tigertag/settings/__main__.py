"""`python -m tigertag.settings`: the rows of the README's table of settings."""

from tigertag.settings.reference import REFERENCE

for doc in REFERENCE:
    print(f"| `{doc.key}` | {doc.default} | {doc.what} |")
