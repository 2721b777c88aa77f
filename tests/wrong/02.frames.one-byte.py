# points: 4
# says: Bytes 4 to 7 are one number: 256 is 00 00 01 00. A frame may be longer than one byte can count.
def split(data):
    streams = {1: b"", 2: b""}
    while len(data) >= 8 and len(data) >= 8 + data[7]:
        streams.setdefault(data[0], b"")
        streams[data[0]] += data[8 : 8 + data[7]]
        data = data[8 + data[7] :]
    return streams[1], streams[2]
