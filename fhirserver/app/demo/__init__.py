"""``credence demo``: the whole story on this machine, with nothing but this package."""
