# expect: STACK
import json


def label(text):
    return json.loads("[" * 100_000)
