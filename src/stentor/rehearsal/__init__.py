"""What a rehearsal concludes: the plan, the two witnesses, the certificate, the gate. Pure."""
