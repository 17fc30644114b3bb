"""The watch: gathers facts, lets the shield decide, keeps the ledger, shows the operator's page."""
