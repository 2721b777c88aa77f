# points: 5
# says: Only the length says where a frame ends. Its data may be empty, or look like anything.
def split(data):
    streams = {1: b"", 2: b""}
    while len(data) > 8:
        end = 8 + int.from_bytes(data[4:8], "big")
        if end == 8 or len(data) < end:
            break
        streams[data[0]] += data[8:end]
        data = data[end:]
    return streams[1], streams[2]
