"""What a thing costs a simulated edge, against a join: the same for small evenings and large ones.

Measured with `stentor load attack` and `bench/tls.py`; decides nothing.
"""

JOIN_SHARE = 0.5  # of an edge's time, at most
# `told` is told in one breath (decision 26).
COST = {"join": 1.0, "place": 0.8, "told": 0.44, "page": 0.4}
COST |= {"notice": 0.12, "wrong": 0.5, "accept": 0.15}
# With TLS the handshake is most of it, and to accept is next to nothing.
TLS_COST = {"join": 1.0, "place": 0.97, "page": 0.95, "notice": 0.12, "wrong": 0.96}
TLS_COST |= {"accept": 0.015}
