"""`python -m stentor` is `stentor`."""

from stentor.cli import main

main()
