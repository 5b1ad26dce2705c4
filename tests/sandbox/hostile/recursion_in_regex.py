# expect: STACK
import re


def label(text):
    return re.compile("(" * 20_000 + ")" * 20_000)
