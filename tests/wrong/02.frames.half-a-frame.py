# points: 5
# says: What has come so far may end in the middle of a frame; the rest would come with the next read.
def split(data):
    streams = {1: b"", 2: b""}
    while data:
        end = 8 + int.from_bytes(data[4:8], "big")
        streams[data[0]] += data[8:end]
        data = data[end:]
    return streams[1], streams[2]
