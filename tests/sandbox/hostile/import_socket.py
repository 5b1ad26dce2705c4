# expect: RAISED, AS210
def label(text):
    import socket

    return socket.gethostname()
