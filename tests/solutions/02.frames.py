def split(data):
    streams = {1: b"", 2: b""}
    while len(data) >= 8:
        end = 8 + int.from_bytes(data[4:8], "big")
        if len(data) < end:
            break
        streams[data[0]] += data[8:end]
        data = data[end:]
    return streams[1], streams[2]
