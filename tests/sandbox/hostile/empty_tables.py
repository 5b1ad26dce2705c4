# expect: spam
import html.entities
import string

html.entities.html5.clear()
string.ascii_letters = ""


def label(text):
    return "spam"
