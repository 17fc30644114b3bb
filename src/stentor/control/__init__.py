"""Where hosts and operators keep rooms: web API and pages. Never faces listeners."""
