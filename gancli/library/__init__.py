"""The functions for programs; `import gancli` offers them, importing each when first used."""
