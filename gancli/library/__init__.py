"""What a program can do with this package; `import gancli` gives it, and imports it when needed."""
