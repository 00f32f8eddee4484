"""What `make check` asks of the repository beyond lint, types and imports.

Each module has one function `problems(root)` that yields a sentence per fault, with its place;
`python -m checks` runs all. `checks.coverage_by_layer` stands apart: it judges what `make test` measured.
"""
