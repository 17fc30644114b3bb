"""People, attackers and faults under virtual time, before the code that the edges run. Pure."""
