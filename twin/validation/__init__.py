"""The twin held against a real farm: what was observed, what was foretold, and how far the two are apart.

Knows no page and no command; imports nothing here, so that `import twin` stays light.
"""
