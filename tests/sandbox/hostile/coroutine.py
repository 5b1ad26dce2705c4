# expect: load, AS203
async def label(text):
    return "spam"
