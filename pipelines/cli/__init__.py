"""The commands: one module a family, each a thin shell over `resources`."""
