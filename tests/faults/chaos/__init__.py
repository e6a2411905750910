"""The drill in which everything fails at once, all the time: ``python -m tests.faults.chaos --help``.

Three simulated EHRs, each a process of its own, with faults of every kind; the server, killed again and again; an
agent, an operator and the EHRs' own clerks at work. Afterwards all must agree. See docs/reconciliation.md.
"""
