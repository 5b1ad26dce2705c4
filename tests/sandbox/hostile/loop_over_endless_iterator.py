# expect: TIMEOUT
import itertools


def label(text):
    return str(sum(itertools.cycle([0])))
