"""Turns results into tables, lines and live displays."""
