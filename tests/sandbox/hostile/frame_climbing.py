# expect: load, AS213
def label(text):
    climber = (climber.gi_frame.f_back for _ in [1])
    for frame in climber:
        frame.f_back.f_locals["votes"].append("0")
    return "spam"
