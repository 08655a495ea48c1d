"""JavaScript and TypeScript, followed from file to file without running them.

`modules` finds what an import means, `interpreter` walks the code of a module with `values` of which some are unknown,
`library` holds the few functions of the language and of Node that routes are built with, and `program` does it all once
for a checkout. `routers` and `decorators` are what the frameworks' own modules export.
"""
