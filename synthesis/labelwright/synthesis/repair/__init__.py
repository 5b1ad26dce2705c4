"""From the text of a reply to a program that parses and fits the task."""
