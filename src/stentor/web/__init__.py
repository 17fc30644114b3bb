"""What the doors that speak HTTP through uvicorn share: connections, refusals, the way to serve."""
