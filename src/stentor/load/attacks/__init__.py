"""Attacks on one's own server, on one's own machine: to see whether the defences hold.

There is no way to name another machine, rates and durations are capped by constants, and all of
it ends by itself. What each family does is decided in `conduct`, what it may do in `bounds`.
"""
