"""The ports of the issuing role on SQL databases: store, ledger, directory, counters, and the keys at rest."""
