# expect: TIMEOUT
def label(text):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
        finally:
            continue
