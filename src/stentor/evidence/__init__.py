"""The ledger's records and what can be concluded from them alone, by anybody. Pure."""
