"""The command line: a client of the HTTP API. Only ``up, status, stop, logs, sign-in reset, doctor`` act locally.

A verb imports what it needs when it runs, so that ``appliance --help`` is there at once.
"""
