"""What each command does, under the name it is typed by; nothing here knows typer."""
