"""The databases that Mintmark runs on: each a `Database` with its own way to begin, to insert and to announce."""
